"""``path("asyncapi/", include("chanx.channels.urls"))``: the AsyncAPI document and its documentation page."""

from django.urls import path

from chanx.channels.views import AsyncAPIDocsView, AsyncAPISchemaView

urlpatterns = [
    path("schema/", AsyncAPISchemaView.as_view(), name="asyncapi_schema"),
    path("docs/", AsyncAPIDocsView.as_view(), name="asyncapi_docs"),
]
