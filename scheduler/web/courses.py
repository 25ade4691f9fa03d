from scheduler.web.door import door


@door(None)
def course(desk, **kwargs): ...


@door(None)
def act(desk, **kwargs): ...


@door(None)
def waive(desk, **kwargs): ...

