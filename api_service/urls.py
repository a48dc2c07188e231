"""All addresses of the API."""

from http import HTTPStatus

from django.contrib import admin
from django.urls import path
from django.views import defaults

from api_service.documentation.apis import RedocPage, SchemaApi, SwaggerPage
from api_service.feedback.apis import FeedbackApi, FeedbackEntryApi, FeedbackImageApi
from api_service.health.apis import HealthApi, ReadyApi
from api_service.http.problems import handler
from api_service.jobs.apis import JobApi, JobsApi, ResultsApi
from api_service.metrics.apis import MetricsApi
from api_service.models.apis import LabelsApi, ModelApi, ModelsApi
from api_service.predictions.apis import PredictionsApi
from api_service.promotions.apis import PromotionsApi, RollbacksApi
from api_service.trainings.apis import DatasetsApi, LogApi, ResumeApi, TrainingApi, TrainingsApi

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", HealthApi.as_view()),
    path("readyz", ReadyApi.as_view()),
    path("metrics", MetricsApi.as_view()),
    path("api/schema", SchemaApi.as_view(), name="schema"),
    path("api/docs", SwaggerPage.as_view()),
    path("api/redoc", RedocPage.as_view()),
    path("api/v1/predictions", PredictionsApi.as_view()),
    path("api/v1/feedback", FeedbackApi.as_view()),
    path("api/v1/feedback/<str:photo>", FeedbackEntryApi.as_view()),
    path("api/v1/feedback/<str:photo>/image", FeedbackImageApi.as_view()),
    path("api/v1/labels", LabelsApi.as_view()),
    path("api/v1/models", ModelsApi.as_view()),
    path("api/v1/models/<str:version>", ModelApi.as_view()),
    path("api/v1/promotions", PromotionsApi.as_view()),
    path("api/v1/rollbacks", RollbacksApi.as_view()),
    path("api/v1/jobs", JobsApi.as_view()),
    path("api/v1/jobs/<uuid:identity>", JobApi.as_view()),
    path("api/v1/jobs/<uuid:identity>/results", ResultsApi.as_view()),
    path("api/v1/trainings", TrainingsApi.as_view()),
    path("api/v1/trainings/<str:name>", TrainingApi.as_view()),
    path("api/v1/trainings/<str:name>/log", LogApi.as_view()),
    path("api/v1/trainings/<str:name>/resume", ResumeApi.as_view()),
    path("api/v1/datasets", DatasetsApi.as_view()),
]

handler400 = handler(HTTPStatus.BAD_REQUEST, defaults.bad_request)
handler403 = handler(HTTPStatus.FORBIDDEN, defaults.permission_denied)
handler404 = handler(HTTPStatus.NOT_FOUND, defaults.page_not_found)
handler500 = handler(HTTPStatus.INTERNAL_SERVER_ERROR, defaults.server_error)
