"""The attributes by which people can be found."""

from django_scim.filters import UserFilterQuery


class PersonFilter(UserFilterQuery):
    attr_map = {
        **UserFilterQuery.attr_map,
        ("externalId", None, None): "scim_external_id",
        ("emails", "value", None): "email",
    }
