SHORT_DATE_FORMAT = "Y-m-d"  # 11/12/2026 is another day on the other side of the Atlantic
SHORT_DATETIME_FORMAT = "Y-m-d H:i"
