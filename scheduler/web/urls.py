"""The staff's addresses: ids, codes and dates only, never anything personal or clinical."""

from __future__ import annotations

from django.urls import path, register_converter

from scheduler.web import (
    account,
    actions,
    board,
    booking,
    confirm,
    courses,
    factor,
    forgot,
    moving,
    outbox,
    patients,
    people,
    people_keys,
    sign,
    start,
    worklist,
)
from scheduler.web.dates import DateConverter

register_converter(DateConverter, "date")

urlpatterns = [
    path("", board.home, name="home"),
    path("sign-in/", sign.sign_in, name="sign-in"),
    path("sign-out/", sign.sign_out, name="sign-out"),
    path("sign-in/code/", sign.code, name="sign-in-code"),
    path("sign-in/again/", confirm.confirm, name="confirm"),
    path("forgot/", forgot.forgot, name="forgot"),
    path("forgot/sent/", forgot.sent, name="forgot-sent"),
    path("reset/", forgot.choose, name="reset-choose"),
    path("reset/<slug:who>/<slug:token>/", forgot.reset, name="reset"),
    path("session/", account.session, name="session"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/second-factor/", factor.factor, name="second-factor"),
    path("account/sessions/end-others/", account.end_others, name="end-other-sessions"),
    path("account/sessions/<int:pk>/end/", account.end_session, name="end-session"),
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
    path("people/", people.people, name="people"),
    path("people/new/", people.new, name="person-new"),
    path("people/second-factor/", people.factor_roles, name="factor-roles"),
    path("people/keys/new/", people_keys.new, name="key-new"),
    path("people/keys/<int:pk>/revoke/", people_keys.revoke, name="key-revoke"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/<slug:action>/", people.act, name="person-action"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<slug:name>/", outbox.mail, name="outbox-mail"),
]
