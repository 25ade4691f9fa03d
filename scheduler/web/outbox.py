from scheduler.web.door import door


@door(None)
def outbox(desk, **kwargs): ...


@door(None)
def mail(desk, **kwargs): ...

