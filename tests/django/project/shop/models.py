"""What the shop keeps in its database."""

from django.db import models


class Order(models.Model):
    """Something that was bought."""

    packed_by = models.CharField(max_length=100, default="")
