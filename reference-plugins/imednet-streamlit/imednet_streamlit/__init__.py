"""The dashboard of iMednet studies: queries, enrolment, sites and completeness at a glance."""

__version__ = "1.0.0"
__all__ = ["__version__"]
