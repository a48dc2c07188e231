"""Keys in the administration."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from rest_framework_api_key.models import APIKey

from api_service.keys.models import ApiKey, Scope

admin.site.unregister(APIKey)  # The package's own, which open nothing here.
admin.site.site_url = "/api/docs"


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key's fields, with a box for each scope."""

    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists, makes, changes and revokes keys."""

    form = ApiKeyForm
    list_display = ("prefix", "name", "scope_names", "created", "expiry_date", "rate", "last_used", "state")
    search_fields = ("prefix", "name")
    actions = ("revoke",)

    @admin.display(description="scopes")
    def scope_names(self, key: ApiKey) -> str:
        """The scopes in one line."""
        return ", ".join(key.scopes)

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, keys: "QuerySet[ApiKey]") -> None:
        """Makes them useless for good."""
        del request
        keys.update(revoked=True)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """A key can be revoked once it is there."""
        del request
        return ("name", "scopes", "expiry_date", "rate", *(("revoked",) if obj else ()))

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """As usual; but nothing brings a revoked key back."""
        return super().has_change_permission(request, obj) and not (obj and obj.revoked)

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Never: keys are revoked, and stay to be seen."""
        del request, obj
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Saves a key; a new one's text is shown on the next page, and never again."""
        text = None if change else ApiKey.objects.assign_key(obj)
        super().save_model(request, obj, form, change)
        if text:
            said = format_html("The key of {}: <code>{}</code> — keep it: it cannot be shown again.", obj.name, text)
            messages.warning(request, said)
