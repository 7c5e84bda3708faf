package initorder

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTo prints the order as a table.
func (o *Order) WriteTo(out io.Writer) (int64, error) {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	header := []string{"#", "PACKAGE", "RUNS"}
	timed := slices.ContainsFunc(o.Steps, func(s Step) bool { return s.Time != nil })
	if timed {
		header = append(header, "TOOK")
	}
	if o.Reasons {
		header = append(header, "WHY")
	}
	_, _ = fmt.Fprintln(table, strings.Join(header, "\t"))
	for _, s := range o.Steps {
		row := []string{strconv.Itoa(s.Position), s.Package, strconv.Itoa(s.Functions)}
		if timed {
			took := "-"
			if s.Time != nil {
				took = s.Time.Took.String()
			}
			row = append(row, took)
		}
		if o.Reasons {
			row = append(row, o.Reason(s))
		}
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_ = table.Flush() // a strings.Builder takes everything
	var all []Registration
	for _, s := range o.Steps {
		all = append(all, s.Registrations...)
	}
	writeRegistrations(&b, all)
	for _, note := range o.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	n, err := io.WriteString(out, b.String())
	return int64(n), err
}

// WriteDOT prints who waits for whom as a graph in the language of Graphviz: an edge to
// every import that takes part, and the one that was done last in bold.
func (o *Order) WriteDOT(out io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph initorder {\n\trankdir=LR;\n\tnode [shape=box];\n")
	numbers := map[string]int{}
	for _, s := range o.Steps {
		numbers[s.Package] = s.Position
		fmt.Fprintf(&b, "\t%q [label=%q];\n", s.Package, fmt.Sprintf("%d %s", s.Position, s.Package))
	}
	for _, s := range o.slots {
		from := o.display[s.symbol]
		if numbers[from] == 0 {
			fmt.Fprintf(&b, "\t%q [style=dashed];\n", from) // it runs nothing
		}
		for _, need := range s.needs {
			style := ""
			if need == s.last {
				style = " [style=bold]"
			}
			fmt.Fprintf(&b, "\t%q -> %q%s;\n", from, o.display[need], style)
		}
	}
	if !o.Reasons { // an order alone is a chain
		for i := 1; i < len(o.Steps); i++ {
			fmt.Fprintf(&b, "\t%q -> %q;\n", o.Steps[i].Package, o.Steps[i-1].Package)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(out, b.String())
	return err //nolint:wrapcheck // the caller knows where it writes
}

// writeRegistrations prints what is registered, by package in the order of the program.
func writeRegistrations(b *strings.Builder, all []Registration) {
	if len(all) == 0 {
		return
	}
	b.WriteString("\nregistered\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for i := 0; i < len(all); {
		r, n := all[i], 1
		for r.Name == "" && i+n < len(all) && all[i+n].Name == "" && all[i+n].Package == r.Package && all[i+n].Registry == r.Registry {
			n++
		}
		i += n
		name := strconv.Quote(r.Name)
		switch {
		case n > 1:
			name = fmt.Sprintf("%d names that only the running program knows", n)
		case r.Name == "":
			name = "a name that only the running program knows"
		case r.Guarded:
			name += ", or not: an if decides"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", r.Registry, name, r.At)
	}
	_ = table.Flush() // a strings.Builder takes everything
}
