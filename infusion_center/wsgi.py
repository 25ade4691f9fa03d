"""WSGI entry point, for hosts that offer nothing newer. Live pages need ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "infusion_center.settings")

application = get_wsgi_application()
