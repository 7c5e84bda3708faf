package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// docBlock is one fenced block of a Markdown document.
type docBlock struct {
	doc    string // path of the document, relative to the repository
	line   int    // of the opening fence, from 1
	lang   string // first word after the fence
	lines  []string
	code   string // what a <!-- code: … --> before it names
	notRun string // the reason a <!-- not run: … --> before it gives
	exit   string // what a <!-- exit: … --> before it says
}

func (b docBlock) String() string { return fmt.Sprintf("%s:%d", b.doc, b.line) }

func (b docBlock) text() string { return strings.Join(b.lines, "\n") + "\n" }

var (
	// fence opens or closes a block. Indented more than Markdown allows it still counts,
	// so that a block in a list is not overlooked.
	fence = regexp.MustCompile("^([ \t]*)(```+|~~~+)[ \t]*(.*?)[ \t]*$")

	// directive is a comment that says how to treat the block after it.
	directive = regexp.MustCompile(`^[ \t]*<!--[ \t]*(code|not run|exit):[ \t]*(.*?)[ \t]*-->[ \t]*$`)

	// nearDirective is a comment that was probably meant as a directive.
	nearDirective = regexp.MustCompile(`(?i)<!--[ \t]*(code|not[ -]?run|exit)\b`)

	// codeSpan is code inside a line, which may speak of directives.
	codeSpan = regexp.MustCompile("`[^`]*`")

	// quotedFence is a fence inside a quotation, where the blocks are not looked for.
	quotedFence = regexp.MustCompile("^[ \t]*>[> \t]*(```|~~~)")
)

// parseBlocks finds the fenced blocks of a document. It is stricter than Markdown: what it
// does not understand is an error, so that no block can hide from the tests.
func parseBlocks(doc, text string) ([]docBlock, error) {
	var (
		blocks  []docBlock
		pending = docBlock{doc: doc} // directives seen, for the block to come
		open    *docBlock
		indent  string
		mark    string
	)
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		number := i + 1
		found := fence.FindStringSubmatch(line)
		switch {
		case open != nil && found != nil && closes(found, mark):
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, strings.TrimPrefix(line, indent))
		case found != nil:
			if strings.Contains(found[3], "`") {
				return nil, fmt.Errorf("%s:%d: a fence holds no backtick after its language", doc, number)
			}
			opened := pending
			opened.line, opened.lang = number, firstWord(found[3])
			open, pending = &opened, docBlock{doc: doc}
			indent, mark = found[1], found[2]
		case quotedFence.MatchString(line):
			return nil, fmt.Errorf("%s:%d: a fenced block inside a quotation cannot be tested: take it out", doc, number)
		default:
			if err := noteDirective(&pending, line, number); err != nil {
				return nil, err
			}
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: this fence is never closed", doc, open.line)
	}
	if pending.directed() {
		return nil, fmt.Errorf("%s: the last comment about a block is followed by none", doc)
	}
	return blocks, nil
}

// closes reports whether a fence ends the block that mark opened.
func closes(found []string, mark string) bool {
	return found[3] == "" && strings.HasPrefix(found[2], mark)
}

// noteDirective reads a line outside of blocks. Only empty lines may stand between a
// directive and its block.
func noteDirective(pending *docBlock, line string, number int) error {
	if strings.TrimSpace(line) == "" {
		return nil
	}
	found := directive.FindStringSubmatch(line)
	if found == nil {
		if nearDirective.MatchString(codeSpan.ReplaceAllString(line, "")) {
			return fmt.Errorf("%s:%d: write <!-- code: file.go#Func -->, <!-- not run: reason --> or <!-- exit: code --> on a line of its own",
				pending.doc, number)
		}
		if pending.directed() {
			return fmt.Errorf("%s:%d: a comment about a block must stand right before it", pending.doc, number)
		}
		return nil
	}
	if found[2] == "" {
		return fmt.Errorf("%s:%d: the comment %q says nothing after its colon", pending.doc, number, found[1])
	}
	value := map[string]*string{"code": &pending.code, "not run": &pending.notRun, "exit": &pending.exit}[found[1]]
	if *value != "" {
		return fmt.Errorf("%s:%d: the comment %q stands twice before one block", pending.doc, number, found[1])
	}
	*value = found[2]
	return nil
}

func (b docBlock) directed() bool { return b.code != "" || b.notRun != "" || b.exit != "" }

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
	return word
}

func TestParseBlocks(t *testing.T) {
	tests := []struct {
		name string
		text string
		want []string // lang@line:text of each block
		err  string   // part of the error
	}{
		{"none", "# Title\n\nText with `code`.\n", nil, ""},
		{"one", "a\n\n```go\nx := 1\n\ny := 2\n```\n", []string{"go@3:x := 1\n\ny := 2\n"}, ""},
		{"two", "```a\n1\n```\n```b\n2\n```\n", []string{"a@1:1\n", "b@4:2\n"}, ""},
		{"empty block", "```go\n```\n", []string{"go@1:\n"}, ""},
		{"no language", "```\nx\n```\n", []string{"@1:x\n"}, ""},
		{"more words", "```go  title=x\nx\n```\n", []string{"go@1:x\n"}, ""},
		{"tildes", "~~~go\n```\n~~~\n", []string{"go@1:```\n"}, ""},
		{"longer fence holds shorter", "````md\n```go\n```\n````\n", []string{"md@1:```go\n```\n"}, ""},
		{"longer fence closes", "```go\nx\n`````\n", []string{"go@1:x\n"}, ""},
		{"fence with words does not close", "```go\n```go\n```\n", []string{"go@1:```go\n"}, ""},
		{"in a list", "- a\n\n      ```go\n      x\n        y\n      ```\n", []string{"go@3:x\n  y\n"}, ""},
		{"carriage returns", "```go\r\nx\r\n```\r\n", []string{"go@1:x\n"}, ""},
		{"no newline at the end", "```go\nx\n```", []string{"go@1:x\n"}, ""},
		{"never closed", "```go\nx\n", nil, "d.md:1: this fence is never closed"},
		{"closed by the wrong mark", "```go\nx\n~~~\n", nil, "d.md:1: this fence is never closed"},
		{"closed by a shorter fence", "````go\nx\n```\n", nil, "d.md:1: this fence is never closed"},
		{"backtick after the fence", "```go `x`\nx\n```\n", nil, "d.md:1: a fence holds no backtick"},
		{"quoted", "> ```go\n> x\n> ```\n", nil, "d.md:1: a fenced block inside a quotation"},
		{"directive at the end", "<!-- code: a.go -->\n", nil, "followed by none"},
		{"directive before text", "<!-- code: a.go -->\ntext\n```go\n```\n", nil, "d.md:2: a comment about a block must stand right before it"},
		{"directive without value", "<!-- not run: -->\n```go\n```\n", nil, "d.md:1: the comment \"not run\" says nothing"},
		{"directive twice", "<!-- code: a -->\n<!-- code: b -->\n```go\n```\n", nil, "d.md:2: the comment \"code\" stands twice"},
		{"misspelt directive", "<!-- not-run: x -->\n```go\n```\n", nil, "d.md:1: write <!-- code"},
		{"directive with text", "see <!-- code: a.go -->\n```go\n```\n", nil, "d.md:1: write <!-- code"},
		{"directive in code", "write `<!-- code: a.go -->`\n```go\n```\n", []string{"go@2:\n"}, ""},
		{"other comment", "<!-- a comment -->\n```go\n```\n", []string{"go@2:\n"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			blocks, err := parseBlocks("d.md", tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, 0, len(blocks))
			for _, b := range blocks {
				got = append(got, fmt.Sprintf("%s@%d:%s", b.lang, b.line, b.text()))
			}
			if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", append([]string{}, tt.want...)) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestParseBlocksKeepsDirectivesApart(t *testing.T) {
	blocks, err := parseBlocks("d.md", "<!-- code: a.go#F -->\n\n```go\n```\n\n"+
		"<!-- not run: needs a network -->\n<!-- exit: 2 -->\n```console\n```\n```go\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 3 {
		t.Fatalf("got %d blocks, want 3", len(blocks))
	}
	first, second, third := blocks[0], blocks[1], blocks[2]
	if first.code != "a.go#F" || first.notRun != "" || first.exit != "" {
		t.Errorf("first block: %+v", first)
	}
	if second.code != "" || second.notRun != "needs a network" || second.exit != "2" {
		t.Errorf("second block: %+v", second)
	}
	if third.directed() {
		t.Errorf("third block: %+v", third)
	}
}

// FuzzParseBlocks checks that every line of a block is a line of the document, at its place.
func FuzzParseBlocks(f *testing.F) {
	for _, seed := range []string{
		"```go\nx\n```\n", "~~~\n```\n~~~", "````\n```\n", "  ```go\n  x\n  ```", "> ```\n", "<!-- code: a -->\n```\n```",
		"```\r\n```\r\n", "```go`\n", "\t```\n\tx\n\t```", "<!-- not run: -->", "``` \x00\n```",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		blocks, err := parseBlocks("d.md", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "d.md:") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %q does not name the place in one line", err)
			}
			return
		}
		lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
		next := 1
		for _, b := range blocks {
			if b.line < next || b.line+len(b.lines) >= len(lines) {
				t.Fatalf("block of %d lines at line %d, after line %d of %d", len(b.lines), b.line, next, len(lines))
			}
			for i, line := range b.lines {
				if !strings.HasSuffix(lines[b.line+i], line) {
					t.Fatalf("line %d is %q in the block, %q in the document", b.line+i+1, line, lines[b.line+i])
				}
			}
			if !fence.MatchString(lines[b.line+len(b.lines)]) {
				t.Fatalf("block at line %d does not end at a fence", b.line)
			}
			next = b.line + len(b.lines) + 2
		}
	})
}
