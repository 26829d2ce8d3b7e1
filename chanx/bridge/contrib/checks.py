"""placeholder"""


def check_store(**_):
    return []


def check_tables(**_):
    return []
