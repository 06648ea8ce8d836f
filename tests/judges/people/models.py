"""The people of the SCIM application."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMUserMixin


class Person(AbstractSCIMUserMixin, AbstractUser):
    shoe_size = models.IntegerField(default=38)

    @property
    def scim_groups(self):
        return self.groups.none()
