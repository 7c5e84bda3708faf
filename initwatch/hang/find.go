package hang

// A Verdict says how far a program is.
type Verdict int

// The verdicts.
const (
	Unknown Verdict = iota // there is no goroutine 1, or its stack tells nothing
	InInit                 // packages are initialised
	InMain                 // main.main was reached
)

// A Hang is an init that does not return.
type Hang struct {
	Init  Frame   // the init function or variable initialiser, and the line in it
	Chain []Frame // the calls of the user's code, the innermost first; Init is the last one
	Stack []Frame // all calls from the wait to Init
	State string  // what the runtime says goroutine 1 does
	Cause Cause
	Via   Cause // how it waits for what Cause says, if that is the work of a goroutine: Channel, Sleep …
	// Started are goroutines that inits have started and that have not ended, at most 20.
	Started []Started
}

// Started is a goroutine that an init started.
type Started struct {
	ID    int64
	By    Frame // the go statement, in the init or in what it calls
	At    Frame // the innermost call of the user's code
	State string
	Cause Cause
}

// Find says which init goroutine 1 is in.
func Find(all []Goroutine) (Hang, Verdict) {
	for i := range all {
		if all[i].ID == 1 {
			return find(all[i], all)
		}
	}
	return Hang{}, Unknown
}

func find(main Goroutine, all []Goroutine) (Hang, Verdict) {
	h := Hang{State: main.State, Cause: main.Cause()}
	initialises := false
	for _, f := range main.Frames {
		switch f.Function {
		case "main.main":
			return Hang{}, InMain
		case "runtime.doInit1", "runtime.doInit", "runtime.main":
			initialises = true
		}
		if initialises {
			break
		}
		h.Stack = append(h.Stack, f)
		if !f.Standard() && !isC(f) {
			h.Chain = append(h.Chain, f)
		}
	}
	if len(h.Stack) == 0 {
		return Hang{}, Unknown
	}
	h.Init = h.Stack[len(h.Stack)-1]
	if !initialises && !h.Init.Init() {
		return Hang{}, Unknown
	}
	if len(h.Chain) == 0 {
		h.Chain = []Frame{h.Init} // a package of the standard library
	}
	h.others(main, all)
	return h, InInit
}

// isC knows the wrapper that cgo makes of a C function.
func isC(f Frame) bool {
	return contains(f.Function, "._Cfunc_") || contains(f.Function, "._C2func_")
}

// others looks at what the other goroutines say of the cause.
func (h *Hang) others(main Goroutine, all []Goroutine) {
	inOnce := calls(main, "sync.(*Once).do")
	for _, g := range all {
		if g.ID == 1 {
			continue
		}
		cause := g.Cause()
		switch {
		case h.Cause == Cgo && calls(g, "runtime.cgocallback"):
			h.Cause = CgoCallback
		case inOnce && cause == Once && (h.Cause == Channel || h.Cause == WaitGroup || h.Cause == Select || h.Cause == Cond):
			h.Cause, h.Via = Once, h.Cause
		}
		h.started(g, cause)
	}
	if !waitsForOthers(h.Cause) {
		return
	}
	for _, s := range h.Started {
		if registers(s.At.Function) || registers(s.By.Function) || startedRegisters(s.ID, all) {
			h.Cause, h.Via = Registers, h.Cause
			return
		}
	}
}

// started keeps a goroutine of goroutine 1, which runs all inits, if the user's code has a part in it.
func (h *Hang) started(g Goroutine, cause Cause) {
	const most = 20
	if g.CreatorID != 1 || g.Creator.Standard() || len(h.Started) >= most {
		return
	}
	s := Started{ID: g.ID, By: g.Creator, State: g.State, Cause: cause}
	for _, f := range g.Frames {
		if !f.Standard() {
			s.At = f
			break
		}
	}
	if s.At.Package() == watchdog || s.By.Package() == watchdog {
		return
	}
	h.Started = append(h.Started, s)
}

// watchdog is the package whose goroutine looks; it is nobody's cause.
const watchdog = "github.com/roster-go/roster/initwatch"

// waitsForOthers reports whether a goroutine could end the wait.
func waitsForOthers(c Cause) bool {
	for _, one := range [...]Cause{Channel, Select, Sleep, WaitGroup, Cond, Spin} {
		if c == one {
			return true
		}
	}
	return false
}

func startedRegisters(id int64, all []Goroutine) bool {
	for _, g := range all {
		if g.ID != id {
			continue
		}
		for _, f := range g.Frames {
			if registers(f.Function) {
				return true
			}
		}
	}
	return false
}

// registers guesses from its name that a function registers something.
func registers(function string) bool {
	name := Frame{Function: function}.Name()
	return contains(name, "egister") || contains(name, "egistr")
}

func calls(g Goroutine, prefix string) bool {
	for _, f := range g.Frames {
		if hasPrefix(f.Function, prefix) {
			return true
		}
	}
	return false
}
