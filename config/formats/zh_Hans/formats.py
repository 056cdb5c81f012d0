SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = "Y-m-d H:i"
# Sums of money are written as everywhere, not in groups of four digits.
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
