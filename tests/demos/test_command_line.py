from mothsim.demos.cli.evaluate import Evaluate
from mothsim.demos.cli.evaluate_options import Compared, EvaluateOutput, FlownTasks
from mothsim.demos.cli.fly import Fly
from mothsim.demos.cli.fly_options import FlyOutput
from mothsim.demos.options import command_line


def test_a_command_line_has_what_differs_from_the_defaults() -> None:
    assert command_line("mothsim evaluate", Evaluate()) == "mothsim evaluate"
    evaluate = Evaluate(
        compared=Compared(controllers=("lqr", "my laws.py:Law")),
        flights=FlownTasks(starts=3),
        output=EvaluateOutput(report=True),
    )
    expected = "mothsim evaluate --controllers lqr 'my laws.py:Law' --starts 3 --report"
    assert command_line("mothsim evaluate", evaluate) == expected
    assert command_line("mothsim fly", Fly(output=FlyOutput(animation=False))) == "mothsim fly --no-animation"
