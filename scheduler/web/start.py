from scheduler.web.door import door


@door(None)
def start(desk, **kwargs): ...

