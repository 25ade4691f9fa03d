from scheduler.web.door import door


@door(None)
def book(desk, **kwargs): ...


@door(None)
def move(desk, **kwargs): ...

