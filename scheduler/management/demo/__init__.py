"""The demo clinic: its set-up from fixtures/demo_clinic.json, its life played through the real services.

Nothing here writes an appointment: courses are created, placed by the job's function and treated by the services,
each at its own moment, so that the clinic looks as if it had been open for a year.
"""
