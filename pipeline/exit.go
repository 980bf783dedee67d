package pipeline

// Exit codes of a run, as the command line returns them.
const (
	ExitDone         = 0
	ExitInternal     = 1
	ExitInvalid      = 2
	ExitFailed       = 3
	ExitUnauthorized = 4
	ExitUnknown      = 5 // of a push: the vendor may have taken a batch, or not
	ExitStopped      = 130
)

// ExitOf is the exit code of a program that an error of this kind ends.
func ExitOf(k Kind) int {
	switch k {
	case Invalid, OtherTenant:
		return ExitInvalid
	case Unauthorized:
		return ExitUnauthorized
	case Stopped:
		return ExitStopped
	case Locked:
		return ExitFailed
	}
	return ExitInternal
}

// Ending is how a run ended that goes on when a part of it fails: a window, or
// the check of a source.
type Ending struct {
	Unauthorized bool // the vendor or the sink refused the credentials for a part
	Stopped      bool // a signal came before the end
	Damaged      bool // what the sink keeps of a part cannot be read
	Failed       bool // a part failed, for any other reason
}

// Exit is the run's exit code. Refused credentials outweigh a stop, which a
// later run makes good; a stop outweighs damage, and damage outweighs other failures.
func (e Ending) Exit() int {
	switch {
	case e.Unauthorized:
		return ExitUnauthorized
	case e.Stopped:
		return ExitStopped
	case e.Damaged:
		return ExitInternal
	case e.Failed:
		return ExitFailed
	}
	return ExitDone
}
