"""Keys in the administration."""

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework_api_key.admin import APIKeyModelAdmin
from rest_framework_api_key.models import APIKey

from api_service.keys.models import ApiKey, Scope

admin.site.unregister(APIKey)  # The package's own, which open nothing here.


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key's fields, with a box for each scope."""

    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)


@admin.register(ApiKey)
class ApiKeyAdmin(APIKeyModelAdmin):
    """Lists, makes and revokes keys; a key's text is shown once, by the package's admin."""

    form = ApiKeyForm
    list_display = ("prefix", "name", "scopes", "created", "expiry_date", "rate", "last_used", "revoked")  # type: ignore[assignment]
    list_filter = ("revoked",)
    fields = ("name", "scopes", "expiry_date", "rate", "revoked")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, keys: "QuerySet[ApiKey]") -> None:
        """Makes them useless for good."""
        del request
        keys.update(revoked=True)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Never: what a key has done stays to be seen. It is revoked instead."""
        del request, obj
        return False
