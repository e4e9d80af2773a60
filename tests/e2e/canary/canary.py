"""canary.py - nobody is shown, nothing writes down, what the policy does not say (6.2.2c1, 9.2.3c).

    canary.py SOURCE PROGRAMS [--keep]

Plays a small year in which every person is a canary, asks every route as every role and as nobody, and searches every
answer, log, metric, event and column for them; policy.py says where they may be.
"""
import os
import sys
import time

SOURCE, PROGRAMS = (os.path.abspath(path) for path in sys.argv[1:3])
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(SOURCE, 'deploy/demo'), os.path.dirname(os.path.abspath(__file__))]

import needles
import play as scene
import scan
import sweep


def main():
    begun = time.monotonic()

    def passed(what):
        scene.say(f'canary: {time.monotonic() - begun:5.1f} s  {what}')
    needles.check()
    recorder, canaries = scene.Recorder(), scene.Canaries()
    recorder.install()
    instance = scene.Instance(SOURCE, PROGRAMS)
    failed = True
    try:
        instance.up()
        passed('the instance is up')
        played = scene.play_year(instance, canaries)
        passed(f'the year is played: {len(recorder.answers)} answers, {len(canaries.secrets.known)} secrets')
        sweep.ask_everything(played, recorder)
        passed(f'every route was asked as every role: {len(recorder.answers)} answers')
        failed = scan.judge(instance, played, recorder, canaries.secrets)
        passed('searched')
    finally:
        if '--keep' in sys.argv:
            scene.say(f'canary: the instance stays in {instance.root}')
        else:
            instance.down()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
