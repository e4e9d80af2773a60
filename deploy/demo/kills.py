"""kills.py - a rough hand: while the year is played a process at a time is killed with SIGKILL, at random moments.

`hz demo --kills`.  The figures must be those of the same seed without it: nothing lost, nothing doubled.
"""
import os
import random
import subprocess
import threading

VICTIMS = ['identity', 'contributions', 'claims', 'coding', 'disbursement', 'disclosure', 'audit', 'broker-1', 'broker-2',
           'gateway']
PAUSE_S = (0.5, 3.0)


class Killer(threading.Thread):
    """Kills until it is told to end; the next death waits until the last victim is back."""

    def __init__(self, data):
        super().__init__(daemon=True)
        self.supervisor = [os.path.join(data, 'bin/huzhu-supervise'), '--ask', os.path.join(data, 'run/supervise')]
        self.over = threading.Event()
        self.deaths = {}

    def ask(self, *words):
        return subprocess.run(self.supervisor + list(words), capture_output=True, check=False).returncode == 0

    def run(self):
        while not self.over.wait(random.uniform(*PAUSE_S)):
            victim = random.choice(VICTIMS)
            if self.ask('signal', victim, 'KILL'):
                self.deaths[victim] = self.deaths.get(victim, 0) + 1
                self.ask('start', victim)  # waits until it is up, and forgets how often it has died

    def end(self):
        self.over.set()
        if self.ident:
            self.join()
        return ', '.join(f'{name} {count}' for name, count in sorted(self.deaths.items()))
