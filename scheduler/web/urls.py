"""The staff's addresses: ids, codes and dates only, never anything personal or clinical."""

from __future__ import annotations

from django.urls import path, register_converter

from scheduler.web import (
    actions,
    answers,
    board,
    booking,
    courses,
    messages,
    moving,
    outbox,
    patients,
    sign,
    start,
    waiting,
    worklist,
)
from scheduler.web.dates import DateConverter

register_converter(DateConverter, "date")

urlpatterns = [
    path("", board.home, name="home"),
    path("sign-in/", sign.sign_in, name="sign-in"),
    path("sign-out/", sign.sign_out, name="sign-out"),
    path("center/", sign.choose_center, name="choose-center"),
    path("board/<slug:unit>/", board.today, name="board-today"),
    path("board/<slug:unit>/<date:date>/", board.board, name="board"),
    path("board/<slug:unit>/<date:date>/version/", board.version, name="board-version"),
    path("appointments/<int:pk>/move/", moving.move, name="move"),
    path("appointments/<int:pk>/<slug:action>/", actions.act, name="appointment-action"),
    path("book/", booking.book, name="book"),
    path("patients/", patients.patients, name="patients"),
    path("patients/new/", patients.new, name="patient-new"),
    path("patients/<int:pk>/", patients.patient, name="patient"),
    path("patients/<int:pk>/course/", start.start, name="course-start"),
    path("courses/<int:pk>/", courses.course, name="course"),
    path("courses/<int:pk>/<slug:action>/", courses.act, name="course-action"),
    path("visits/<int:pk>/waive/", courses.waive, name="visit-waive"),
    path("worklist/", worklist.worklist, name="worklist"),
    path("worklist/mark/", worklist.mark, name="worklist-mark"),
    path("v/<str:token>/", answers.answer, name="answer"),
    path("waitlist/", waiting.waiting, name="waitlist"),
    path("waitlist/act/", waiting.act, name="waitlist-act"),
    path("messages/", messages.messages, name="messages"),
    path("messages/<int:pk>/send/", messages.mend, name="message-mend"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<slug:name>/", outbox.mail, name="outbox-mail"),
]
