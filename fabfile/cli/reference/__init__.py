"""The reference: tables of the documentation that are generated from declarations."""
