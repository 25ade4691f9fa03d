"""The API's addresses: ids, dates and codes only, never anything personal or clinical."""

from __future__ import annotations

from django.urls import path, re_path

from scheduler.api import (
    appointments,
    courses,
    day,
    docs,
    patients,
    place_changes,
    reminders,
    setup,
    setup_changes,
    slots,
    waitlist,
)
from scheduler.api.appointment_actions import ACTIONS

urlpatterns = [
    path("centers/", setup.list_of(setup.Centers, "centers").as_view()),
    path("centers/<int:pk>/", place_changes.OneCenter.as_view()),
    path("units/", place_changes.UnitList.as_view()),
    path("units/<int:pk>/", place_changes.OneUnit.as_view()),
    path("chairs/", place_changes.ChairList.as_view()),
    path("chairs/<int:pk>/", place_changes.OneChair.as_view()),
    path("nurses/", place_changes.NurseList.as_view()),
    path("nurses/<int:pk>/", place_changes.OneNurse.as_view()),
    path("protocols/", place_changes.ProtocolList.as_view()),
    path("protocols/<int:pk>/", setup.one_of(setup.Protocols, "protocols").as_view()),
    path("shifts/", setup_changes.ShiftList.as_view()),
    path("shifts/publish/", setup_changes.PublishShifts.as_view()),
    path("shifts/<int:pk>/", setup_changes.OneShift.as_view()),
    path("closures/", setup_changes.ClosureList.as_view()),
    path("closures/<int:pk>/", setup_changes.OneClosure.as_view()),
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
urlpatterns.append(re_path(r"", docs.NoSuchAddress.as_view()))
