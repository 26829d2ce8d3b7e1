"""The pages about jobs."""

from django.urls import path

from example_site.jobs import views

urlpatterns = [
    path("", views.home, name="home"),
    path("start/upload/", views.start_upload, name="start_upload"),
    path("start/command/", views.start_command, name="start_command"),
    path("jobs/<str:job_id>/", views.job_page, name="job"),
    path("jobs/<str:job_id>/element/", views.job_element, name="job_element"),
]
