"""Where what Django knows of how a language writes numbers is not how its readers do."""
