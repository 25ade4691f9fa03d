"""Who calls: the holder of a key, or somebody signed in. Either way `request.auth` is the membership that counts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from scheduler.domain.permissions import Actor
from scheduler.models import Membership
from scheduler.services import api_keys

CENTER_IN_SESSION = "center"  # where the web application keeps the center that was chosen


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Membership] | None:
        scheme, _space, key = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            return None
        membership = api_keys.verify(key=key.strip(), now=timezone.now()) if scheme.lower() == "bearer" else None
        if membership is None:
            raise AuthenticationFailed(_("This key is not known, or has been revoked."))
        return AnonymousUser(), membership

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class MemberSession(SessionAuthentication):
    """Signed in at the web application, at the center chosen there; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[object, Membership] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        user = found[0]
        memberships = list(
            Membership.objects.filter(user_id=user.pk).select_related("center").order_by("center__name", "pk")
        )
        if not memberships:
            raise PermissionDenied(_("You belong to no center yet."))
        chosen = request.session.get(CENTER_IN_SESSION)
        return user, next((each for each in memberships if each.center_id == chosen), memberships[0])


class IsMember(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Membership)


def membership_of(request: Request) -> Membership:
    """What the caller may, and where. Only behind IsMember."""
    membership: Any = request.auth
    return membership


def actor_of(request: Request) -> Actor:
    """The caller as services and the record know her."""
    membership = membership_of(request)
    key = membership.api_key
    if key is not None:
        who, label = f"key:{key.pk}", key.name
        scopes = frozenset(key.scopes) if key.scopes is not None else None
    else:
        user: Any = request.user
        who, label, scopes = f"user:{membership.user_id}", user.get_full_name() or user.get_username(), None
    return Actor(who=who, role=membership.role, center_id=membership.center_id, label=label, scopes=scopes)


class _KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key from manage.py issue_api_key."}


class _SessionScheme(OpenApiAuthenticationExtension):
    target_class = MemberSession
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Signed in at the web application; unsafe methods also send X-CSRFToken.",
        }
