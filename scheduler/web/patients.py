from scheduler.web.door import door


@door(None)
def patients(desk, **kwargs): ...


@door(None)
def new(desk, **kwargs): ...


@door(None)
def patient(desk, **kwargs): ...

