package hang

// Limits of what is kept of a dump.
const (
	MaxGoroutines = 10_000
	MaxFrames     = 250
)

// A Goroutine is one of a dump.
type Goroutine struct {
	ID     int64
	State  string  // in the words of the runtime, such as "chan receive"
	Frames []Frame // its calls, the innermost first
	// Creator is the go statement that started it, and CreatorID the goroutine that ran it, 0 if unknown.
	Creator   Frame
	CreatorID int64
}

// Parse reads the goroutines of a dump, and skips what is none.
func Parse(dump string) []Goroutine {
	var (
		all  []Goroutine
		g    *Goroutine
		call string // the line before, if it can be a call
	)
	for dump != "" {
		var line string
		line, dump = cut(dump, "\n")
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		}
		if next, ok := header(line); ok {
			g, call = nil, ""
			if len(all) < MaxGoroutines || next.ID == 1 {
				all = append(all, next)
				g = &all[len(all)-1]
			}
			continue
		}
		switch {
		case g == nil:
		case line == "":
			g = nil
		case isPlace(line):
			if call != "" {
				g.add(call, line)
			}
			call = ""
		default:
			call = line
		}
	}
	return all
}

// header reads "goroutine 1 gp=0xc000002380 m=nil [chan receive, 2 minutes, locked to thread]:".
func header(line string) (Goroutine, bool) {
	const word = "goroutine "
	if !hasPrefix(line, word) || !hasSuffix(line, ":") {
		return Goroutine{}, false
	}
	id, rest, ok := number(line[len(word):])
	if !ok {
		return Goroutine{}, false
	}
	open := index(rest, "[")
	if open < 0 {
		return Goroutine{}, false
	}
	state := rest[open+1:]
	// "sync.(*T)[…]" cannot be in a state, so the last bracket ends it.
	for state != "" && state[len(state)-1] != ']' {
		state = state[:len(state)-1]
	}
	if state == "" {
		return Goroutine{}, false
	}
	state, _ = cut(state[:len(state)-1], ",")
	return Goroutine{ID: id, State: trim(state)}, true
}

// isPlace knows "\t/src/dep.go:12 +0x1d".
func isPlace(line string) bool {
	return line[0] == '\t' || hasPrefix(line, "    ") && contains(line, ".go:")
}

// add keeps a call and its place.
func (g *Goroutine) add(call, place string) {
	const created = "created by "
	if hasPrefix(call, created) {
		who, by := cut(call[len(created):], " in goroutine ")
		g.Creator = newFrame(who, place)
		g.CreatorID, _, _ = number(by)
		return
	}
	f := newFrame(functionOf(call), place)
	if len(g.Frames) >= MaxFrames { // the outermost are what counts: keep the last one right
		copy(g.Frames[MaxFrames/2:], g.Frames[MaxFrames/2+1:])
		g.Frames[MaxFrames-1] = f
		return
	}
	g.Frames = append(g.Frames, f)
}

// functionOf takes the arguments off a call. They contain no parentheses; a method's receiver does.
func functionOf(call string) string {
	for i := len(call) - 1; i >= 0; i-- {
		if call[i] == '(' {
			return call[:i]
		}
	}
	return call
}
