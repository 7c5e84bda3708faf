package drill

import (
	"bytes"
	"fmt"
	"time"
)

// Markdown is the report for people.
func (r *Report) Markdown() []byte {
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Drill of region %s", r.Region)
	line("")
	line("%s", r.Verdict)
	line("")
	line("Drill %s, run by %s, began %s. %s was told to play dead for %s. Times count from then.",
		r.ID, r.Coordinator, r.At.UTC().Format(time.RFC3339), r.Region, millis(r.ForMillis))
	line("Kills are not part of a drill: they reached %s all the while.", r.Region)
	line("")
	line("| | |")
	line("| --- | --- |")
	line("| acknowledged probe writes | %d |", r.Acknowledged)
	line("| of these not shipped when %s failed | %d |", r.Region, r.Stranded)
	line("| lost | %d |", r.LostCount)
	line("| %s answered again after | %s |", r.Region, millis(r.BackMillis))
	line("| all regions converged after | %s |", millis(r.ConvergedMillis))
	for _, l := range r.Lost {
		found := ""
		if l.Found != "" {
			found = fmt.Sprintf(", which has %q", l.Found)
		}
		line("")
		line("- lost: `%s` is not in %s%s", l.Key, l.In, found)
	}
	line("")
	line("## Reads and writes")
	line("")
	line("| region | kind | requests | failed | without service | slowest success |")
	line("| --- | --- | ---: | ---: | --- | ---: |")
	for i := range r.Regions {
		region := &r.Regions[i]
		region.Writes.row(&b, region.Region, "writes")
		region.Reads.row(&b, region.Region, "reads")
	}
	for i := range r.Regions {
		region := &r.Regions[i]
		if o := region.Writes.Outages; len(o) > 0 {
			line("")
			line("What %s answered: %s", region.Region, o[0].Error)
		}
	}
	line("")
	line("## Lag")
	line("")
	line("| from | to | before | at worst | after | most keys pending |")
	line("| --- | --- | ---: | ---: | ---: | ---: |")
	for _, l := range r.Lag {
		line("| %s | %s | %s | %s | %s | %d |", l.From, l.To, millis(l.BeforeMillis), millis(l.WorstMillis), millis(l.AfterMillis), l.PendingMost)
	}
	if len(r.Exercises) > 0 {
		line("")
		line("## Exercises")
		for _, e := range r.Exercises {
			line("")
			line("- %s: %s; %s", e.Name, e.Down, e.Back)
			if e.Error != "" {
				line("  - FAILED: %s", e.Error)
			}
		}
	}
	if len(r.Problems) > 0 {
		line("")
		line("## Problems")
		line("")
		for _, p := range r.Problems {
			line("- %s", p)
		}
	}
	return b.Bytes()
}

// row is the row of a table.
func (a *Access) row(b *bytes.Buffer, region, kind string) {
	outages := "never"
	for i, o := range a.Outages {
		text := fmt.Sprintf("%s from %s on", millis(o.DurationMillis), signed(o.StartMillis))
		if o.Open {
			text += ", not ended"
		}
		if i == 0 {
			outages = text
		} else {
			outages += "; " + text
		}
	}
	fmt.Fprintf(b, "| %s | %s | %d | %d | %s | %s |\n", region, kind, a.Requests, a.Failed, outages, millis(a.SlowestMillis))
}

// millis is a number of milliseconds for people; what did not happen is "never".
func millis(n int64) string {
	if n < 0 {
		return "never"
	}
	return (time.Duration(n) * time.Millisecond).String()
}

// signed is millis for moments, which may be before the drill.
func signed(n int64) string { return (time.Duration(n) * time.Millisecond).String() }
