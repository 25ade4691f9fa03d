"""The API's addresses: ids, dates and codes only, never anything personal or clinical."""

from __future__ import annotations

from django.urls import path, re_path

from scheduler.api import appointments, courses, day, docs, patients, reminders, setup, slots, waitlist
from scheduler.api.appointment_actions import ACTIONS

SETUP = {
    "centers": setup.Centers,
    "units": setup.Units,
    "chairs": setup.Chairs,
    "protocols": setup.Protocols,
    "nurses": setup.Nurses,
    "shifts": setup.Shifts,
    "closures": setup.Closures,
}

urlpatterns = [
    path("patients/", patients.Patients.as_view()),
    path("patients/search/", patients.PatientSearch.as_view()),
    path("patients/<int:pk>/", patients.OnePatient.as_view()),
    path("courses/", courses.Courses.as_view()),
    path("courses/preview/", courses.Preview.as_view()),
    path("courses/<int:pk>/", courses.OneCourse.as_view()),
    path("courses/<int:pk>/pause/", courses.Pause.as_view()),
    path("courses/<int:pk>/resume/", courses.Resume.as_view()),
    path("courses/<int:pk>/discontinue/", courses.Discontinue.as_view()),
    path("visits/<int:pk>/waive/", courses.Waive.as_view()),
    path("slots/search/", slots.Slots.as_view()),
    path("appointments/", appointments.Appointments.as_view()),
    path("appointments/<int:pk>/", appointments.OneAppointment.as_view()),
    path("schedule/", day.Schedule.as_view()),
    path("worklist/", day.Worklist.as_view()),
    path("reminders/", reminders.Reminders.as_view()),
    path("waitlist/", waitlist.Waitlist.as_view()),
    path("schema/", docs.Schema.as_view(), name="api-schema"),
    path("docs/", docs.Docs.as_view(), name="api-docs"),
]
for _name, _view in ACTIONS.items():
    urlpatterns.append(path(f"appointments/<int:pk>/{_name}/", _view.as_view()))
for _name, _listed in SETUP.items():
    _several, _one = setup.list_and_one(_listed, _name)
    urlpatterns += [path(f"{_name}/", _several), path(f"{_name}/<int:pk>/", _one)]
urlpatterns.append(re_path(r"", docs.NoSuchAddress.as_view()))
