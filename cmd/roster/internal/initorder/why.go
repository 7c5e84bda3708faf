package initorder

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Reason is why a step has its place, as a sentence without a full stop. It is empty if
// the order has no reasons.
func (o *Order) Reason(s Step) string {
	if !o.Reasons {
		return ""
	}
	var text string
	switch {
	case s.WaitedFor != "":
		text = fmt.Sprintf("after %s (%d)", s.WaitedFor, o.position(s.WaitedFor))
		if len(s.Through) > 0 {
			text += " through " + strings.Join(s.Through, ", ")
		}
	case len(s.Through) > 0:
		text = "imports nothing that runs; ready after " + strings.Join(s.Through, ", ")
	default:
		text = "imports nothing that initialises"
	}
	switch {
	case len(s.Overtaken) == 1:
		text += "; ready by then, " + s.Overtaken[0] + " went first by its name"
	case len(s.Overtaken) > 1:
		text += "; ready by then, " + few(s.Overtaken) + " went first by their names"
	}
	return text
}

// few names the last of paths, and how many there are besides: it is the one right before.
func few(paths []string) string {
	n := len(paths)
	if n == 2 {
		return paths[0] + " and " + paths[1]
	}
	return fmt.Sprintf("%s and %d others", paths[n-1], n-1)
}

func (o *Order) position(path string) int {
	for _, s := range o.Steps {
		if s.Package == path {
			return s.Position
		}
	}
	return 0
}

// A Why is all that is known about the place of one package.
type Why struct {
	Package string `json:"package"`
	Step    *Step  `json:"step,omitempty"` // nil if the package has nothing to run
	Reason  string `json:"reason"`

	// Imports are the direct imports that have a task, in the order in which they were done.
	Imports []Import `json:"imports,omitempty"`

	// Importers are the packages that wait for this one.
	Importers []string `json:"importers,omitempty"`

	// Chain is a shortest way of imports from main to the package: why it is in the program.
	Chain []string `json:"chain,omitempty"`
}

// An Import is a direct import that takes part in the order.
type Import struct {
	Package  string `json:"package"`
	Position int    `json:"position,omitempty"` // 0 if it has nothing to run itself
}

// Why explains the place of one package.
func (o *Order) Why(path string) (*Why, error) {
	w := &Why{Package: path}
	for i := range o.Steps {
		if o.Steps[i].Package == path {
			w.Step = &o.Steps[i]
			w.Reason = o.Reason(o.Steps[i])
		}
	}
	for _, s := range o.slots {
		if o.display[s.symbol] == path {
			o.explain(w, s)
			return w, nil
		}
	}
	if w.Step == nil {
		return nil, &Error{path, "it is not among the packages that initialise", o.nearest(path), nil}
	}
	return w, nil
}

func (o *Order) explain(w *Why, at slot) {
	if w.Step == nil {
		w.Reason = "it runs nothing, and makes its importers wait for its imports"
	}
	place := map[string]int{}
	importer := map[string]string{}
	for i, s := range o.slots {
		place[s.symbol] = i
		if slices.Contains(s.needs, at.symbol) {
			w.Importers = append(w.Importers, o.display[s.symbol])
		}
	}
	needs := slices.Clone(at.needs)
	slices.SortFunc(needs, func(a, b string) int { return place[a] - place[b] })
	for _, need := range needs {
		path := o.display[need]
		w.Imports = append(w.Imports, Import{path, o.position(path)})
	}
	importer[mainTask] = ""
	for queue := []string{mainTask}; len(queue) > 0; queue = queue[1:] {
		for _, need := range o.slots[place[queue[0]]].needs {
			if _, seen := importer[need]; !seen {
				importer[need] = queue[0]
				queue = append(queue, need)
			}
		}
	}
	if _, reached := importer[at.symbol]; reached {
		for symbol := at.symbol; symbol != ""; symbol = importer[symbol] {
			w.Chain = append([]string{o.display[symbol]}, w.Chain...)
		}
	}
}

// nearest names packages that may have been meant.
func (o *Order) nearest(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	found := map[string]bool{}
	for _, s := range o.Steps {
		if strings.HasSuffix(s.Package, "/"+last) || s.Package == last {
			found[s.Package] = true
		}
	}
	if len(found) == 0 {
		return "a package that has nothing to initialise, and imports nothing that has, is not in the order"
	}
	return "did you mean " + strings.Join(slices.Sorted(maps.Keys(found)), " or ") + "?"
}

// WriteTo prints the explanation.
func (w *Why) WriteTo(out io.Writer) (int64, error) {
	var b strings.Builder
	if w.Step != nil {
		fmt.Fprintf(&b, "%s is number %d\n", w.Package, w.Step.Position)
	} else {
		fmt.Fprintf(&b, "%s has no number\n", w.Package)
	}
	if w.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", w.Reason)
	}
	if len(w.Imports) > 0 {
		b.WriteString("imports that it waited for, in the order in which they were done\n")
		for _, i := range w.Imports {
			fmt.Fprintf(&b, "  %4s  %s\n", number(i.Position), i.Package)
		}
	}
	if w.Step != nil && len(w.Step.Overtaken) > 0 {
		b.WriteString("went first although this one was ready\n")
		for _, path := range w.Step.Overtaken {
			fmt.Fprintf(&b, "        %s\n", path)
		}
	}
	if len(w.Importers) > 0 {
		const most = 10
		b.WriteString("wait for it\n")
		for _, path := range w.Importers[:min(most, len(w.Importers))] {
			fmt.Fprintf(&b, "        %s\n", path)
		}
		if n := len(w.Importers); n > most {
			fmt.Fprintf(&b, "        and %d others, which -o json lists\n", n-most)
		}
	}
	if len(w.Chain) > 1 {
		fmt.Fprintf(&b, "is in the program because of\n        %s\n", strings.Join(w.Chain, "\n        imports "))
	}
	if w.Step != nil {
		writeRegistrations(&b, w.Step.Registrations)
	}
	n, err := io.WriteString(out, b.String())
	return int64(n), err
}

func number(position int) string {
	if position == 0 {
		return "-"
	}
	return strconv.Itoa(position)
}
