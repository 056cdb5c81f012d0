"""What everybody in the tests signs in with; apart, for those who look at a shop from outside, without Django."""

PASSWORD = "correct horse battery staple"
