from scheduler.web.door import door


@door(None)
def worklist(desk, **kwargs): ...


@door(None)
def mark(desk, **kwargs): ...

