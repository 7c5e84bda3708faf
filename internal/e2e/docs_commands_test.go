package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	anyLines = "..." // alone on a line: any number of lines
	anyText  = "…"   // inside a line: any text
	prompt   = "$ "
)

// docCommand is one command of a console block with the output the document shows.
type docCommand struct {
	at         string // document:line
	text       string
	want       []string
	background bool // it ended in &
	exit       int  // the status it has to end with
}

// parseCommands splits a console block. A command that ends in a backslash goes on in the
// next line.
func parseCommands(b docBlock) ([]docCommand, error) {
	var commands []docCommand
	goesOn := false
	for i, line := range b.lines {
		text, isCommand := strings.CutPrefix(line, prompt)
		last := len(commands) - 1
		switch {
		case goesOn:
			commands[last].text += "\n" + strings.TrimPrefix(line, "> ")
			goesOn = strings.HasSuffix(line, `\`)
		case isCommand:
			commands = append(commands, docCommand{at: fmt.Sprintf("%s:%d", b.doc, b.line+1+i), text: text})
			goesOn = strings.HasSuffix(line, `\`)
		case len(commands) == 0:
			return nil, fmt.Errorf("%s: a console block starts with a command: %q", b, prompt+"…")
		default:
			commands[last].want = append(commands[last].want, strings.TrimRight(line, " \t"))
		}
	}
	if len(commands) == 0 {
		return nil, fmt.Errorf("%s: this console block has no command", b)
	}
	if goesOn {
		return nil, fmt.Errorf("%s: the last command ends in a backslash", b)
	}
	for i := range commands {
		c := &commands[i]
		c.want = trimBlankEnd(c.want)
		if text, found := strings.CutSuffix(strings.TrimRight(c.text, " "), " &"); found {
			c.text, c.background = text, true
		}
	}
	if b.exit == "" {
		return commands, nil
	}
	exit, err := strconv.Atoi(b.exit)
	last := &commands[len(commands)-1]
	if err != nil || exit < 1 || exit > 255 || last.background {
		return nil, fmt.Errorf("%s: exit: %s: give the status from 1 to 255 of a last command in the foreground", b, b.exit)
	}
	last.exit = exit
	return commands, nil
}

// trimBlankEnd drops empty lines at the end.
func trimBlankEnd(lines []string) []string {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// outputLines is the output as a document would show it: without spaces at the ends of
// lines, and without what the go command says the first time it meets a module.
func outputLines(output string) []string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, " \t\r\n")
		if !strings.HasPrefix(line, "go: downloading ") {
			lines = append(lines, line)
		}
	}
	return trimBlankEnd(lines)
}

// matchLines reports whether got is what want shows.
func matchLines(want, got []string) bool {
	w, g := 0, 0
	wild, resume := -1, 0 // the last "..." met and where it stops matching so far
	for g < len(got) {
		switch {
		case w < len(want) && want[w] == anyLines:
			wild, resume = w, g
			w++
		case w < len(want) && matchLine(want[w], got[g]):
			w++
			g++
		case wild >= 0:
			resume++
			w, g = wild+1, resume
		default:
			return false
		}
	}
	for w < len(want) && want[w] == anyLines {
		w++
	}
	return w == len(want)
}

func matchLine(want, got string) bool {
	if !strings.Contains(want, anyText) {
		return want == got
	}
	pieces := strings.Split(want, anyText)
	for i := range pieces {
		pieces[i] = regexp.QuoteMeta(pieces[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(pieces, ".*") + ")$").MatchString(got)
}

func TestParseCommands(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		exit  string
		want  []docCommand
		err   string // part of the error
	}{
		{"one", []string{"$ echo a", "a"}, "", []docCommand{{at: "d.md:3", text: "echo a", want: []string{"a"}}}, ""},
		{"no output", []string{"$ true"}, "", []docCommand{{at: "d.md:3", text: "true"}}, ""},
		{"two", []string{"$ a", "x", "", "y", "", "$ b"}, "", []docCommand{
			{at: "d.md:3", text: "a", want: []string{"x", "", "y"}},
			{at: "d.md:8", text: "b"},
		}, ""},
		{"background", []string{"$ serve &", "ready"}, "", []docCommand{
			{at: "d.md:3", text: "serve", want: []string{"ready"}, background: true},
		}, ""},
		{"and", []string{"$ a && b"}, "", []docCommand{{at: "d.md:3", text: "a && b"}}, ""},
		{"goes on", []string{`$ a \`, `> b \`, "  c", "d"}, "", []docCommand{
			{at: "d.md:3", text: "a \\\nb \\\n  c", want: []string{"d"}},
		}, ""},
		{"exit", []string{"$ a", "$ b"}, "3", []docCommand{
			{at: "d.md:3", text: "a"},
			{at: "d.md:4", text: "b", exit: 3},
		}, ""},
		{"empty", nil, "", nil, "d.md:2: this console block has no command"},
		{"output first", []string{"a", "$ b"}, "", nil, "d.md:2: a console block starts with a command"},
		{"goes on into nothing", []string{`$ a \`}, "", nil, "ends in a backslash"},
		{"exit zero", []string{"$ a"}, "0", nil, "give the status from 1 to 255"},
		{"exit text", []string{"$ a"}, "x", nil, "give the status from 1 to 255"},
		{"exit of background", []string{"$ a &"}, "1", nil, "in the foreground"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseCommands(docBlock{doc: "d.md", line: 2, lines: tt.lines, exit: tt.exit})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(got, tt.want, sameCommand) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func sameCommand(a, b docCommand) bool {
	return a.at == b.at && a.text == b.text && slices.Equal(a.want, b.want) &&
		a.background == b.background && a.exit == b.exit
}

func TestMatchLines(t *testing.T) {
	tests := []struct {
		want, got string
		match     bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"a|b", "a|b", true},
		{"a|b", "b|a", false},
		{"...", "", true},
		{"...", "a|b", true},
		{"a|...", "a", true},
		{"a|...|b", "a|x|y|b", true},
		{"a|...|b", "a|x|y", false},
		{"...|b|...", "a|b", true},
		{"...|b|c", "b|b|c", true},
		{"...|b|...|b", "b", false},
		{"a…c", "abc", true},
		{"a…c", "ac", true},
		{"a…c", "abcd", false},
		{"…", "", true},
		{"…|b", "x|b", true},
		{"…", "a|b", false},
		{"a.c", "abc", false},
		{"[…] (…)", "[1] (2)", true},
		{"....", "a", false},
	}
	split := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, "|")
	}
	for _, tt := range tests {
		// The only line of "…" matches one line, be it empty; an output has no empty line at its end.
		got := split(tt.got)
		if tt.want == anyText && tt.got == "" {
			got = []string{""}
		}
		if match := matchLines(split(tt.want), got); match != tt.match {
			t.Errorf("%q matches %q: got %v, want %v", tt.want, tt.got, match, tt.match)
		}
	}
}

// matchSlowly is matchLines as one would define it.
func matchSlowly(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case want[0] == anyLines:
		return matchSlowly(want[1:], got) || len(got) > 0 && matchSlowly(want, got[1:])
	default:
		return len(got) > 0 && matchLine(want[0], got[0]) && matchSlowly(want[1:], got[1:])
	}
}

func TestMatchLinesAgreesWithItsDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(n int, from ...string) []string {
		lines := make([]string, random.IntN(n))
		for i := range lines {
			lines[i] = from[random.IntN(len(from))]
		}
		return lines
	}
	matches := 0
	for range 20_000 {
		want, got := pick(7, "a", "b", "a…", anyLines), pick(8, "a", "b", "ab")
		match := matchLines(want, got)
		if match != matchSlowly(want, got) {
			t.Fatalf("%q matches %q: got %v", want, got, match)
		}
		if match {
			matches++
		}
	}
	if matches < 1_000 {
		t.Errorf("only %d of the pairs matched: they test too little", matches)
	}
}

func TestOutputLines(t *testing.T) {
	got := outputLines("go: downloading x v1.0.0\na \t\r\n\n b\n\n\n")
	if want := []string{"a", "", " b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
