"""The pages of the site."""

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from example_site.jobs.views import SignInView

urlpatterns = [
    path("sign-in/", SignInView.as_view(), name="sign_in"),
    path("sign-out/", login_not_required(LogoutView.as_view()), name="sign_out"),
    path("asyncapi/", include("chanx.channels.urls")),
    path("", include("example_site.jobs.urls")),
]
