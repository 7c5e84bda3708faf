package e2e_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

var (
	// htmlTarget is where an HTML tag inside Markdown points.
	htmlTarget = regexp.MustCompile(`\b(?:href|src)="([^"]*)"`)

	// htmlAnchor is a place that an HTML tag names.
	htmlAnchor = regexp.MustCompile(`\b(?:id|name)="([^"]*)"`)

	// lineAnchor is how a line or a range of lines of a file is named.
	lineAnchor = regexp.MustCompile(`^L(\d+)(?:-L(\d+))?$`)
)

// docLink is a link or an image in a document.
type docLink struct {
	line   int
	target string
}

// markdownPage is what other documents can link to, and where this one links.
type markdownPage struct {
	anchors []string
	links   []docLink
}

// readPage finds the links and anchors of a Markdown document.
func readPage(source []byte) (markdownPage, error) {
	var page markdownPage
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	line := 1 // of the block that the walk is in
	link := func(target string) { page.links = append(page.links, docLink{line, target}) }
	html := func(tag []byte) {
		for _, m := range htmlTarget.FindAllSubmatch(tag, -1) {
			link(string(m[1]))
		}
		for _, m := range htmlAnchor.FindAllSubmatch(tag, -1) {
			page.anchors = append(page.anchors, string(m[1]))
		}
	}
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if n.Type() == ast.TypeBlock && n.Lines().Len() > 0 {
			line = 1 + bytes.Count(source[:n.Lines().At(0).Start], []byte("\n"))
		}
		switch n := n.(type) {
		case *ast.Heading:
			page.anchors = append(page.anchors, newAnchor(page.anchors, plainText(n, source)))
		case *ast.Link:
			link(string(n.Destination))
		case *ast.Image:
			link(string(n.Destination))
		case *ast.RawHTML:
			html(n.Segments.Value(source))
		case *ast.HTMLBlock:
			html(n.Lines().Value(source))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return page, fmt.Errorf("walk the document: %w", err)
	}
	return page, nil
}

// plainText is what a reader sees of a node.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.Text:
			b.Write(child.Segment.Value(source))
		case *ast.String:
			b.Write(child.Value)
		default:
			b.WriteString(plainText(child, source))
		}
	}
	return b.String()
}

// newAnchor is the anchor that the usual viewers give a heading, of which taken exist.
func newAnchor(taken []string, heading string) string {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
	unique := anchor
	for i := 1; slices.Contains(taken, unique); i++ {
		unique = fmt.Sprintf("%s-%d", anchor, i)
	}
	return unique
}

// brokenLinks lists the links of the Markdown files among files that lead nowhere inside
// the repository. Links to other places are not followed.
func brokenLinks(fsys fs.FS, files []string) ([]string, error) {
	pages := make(map[string]markdownPage)
	for _, name := range markdownFiles(files) {
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read a document: %w", err)
		}
		if pages[name], err = readPage(source); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	var broken []string
	for _, name := range markdownFiles(files) {
		for _, link := range pages[name].links {
			if why := checkLink(fsys, files, pages, name, link.target); why != "" {
				broken = append(broken, fmt.Sprintf("%s:%d: link to %s: %s", name, link.line, link.target, why))
			}
		}
	}
	return broken, nil
}

// checkLink says why a link leads nowhere, "" if it does not.
func checkLink(fsys fs.FS, files []string, pages map[string]markdownPage, from, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return err.Error()
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	to := from
	switch {
	case strings.HasPrefix(u.Path, "/"):
		return "write it relative to this file"
	case u.Path != "":
		to = path.Join(path.Dir(from), u.Path)
	}
	switch {
	case slices.Contains(files, to):
	case slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, to+"/") }), to == ".":
		if u.Fragment != "" {
			return "a folder has no anchors"
		}
		return ""
	default:
		return "the repository has no " + to
	}
	if u.Fragment == "" {
		return ""
	}
	if page, isPage := pages[to]; isPage {
		if !slices.Contains(page.anchors, u.Fragment) {
			return fmt.Sprintf("%s has no heading #%s", to, u.Fragment)
		}
		return ""
	}
	return checkLineAnchor(fsys, to, u.Fragment)
}

// checkLineAnchor says why a file has no such lines, "" if it has.
func checkLineAnchor(fsys fs.FS, name, anchor string) string {
	m := lineAnchor.FindStringSubmatch(anchor)
	if m == nil {
		return fmt.Sprintf("%s has no anchor #%s", name, anchor)
	}
	source, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err.Error()
	}
	for _, number := range m[1:] {
		if line, err := strconv.Atoi(number); number != "" && (err != nil || line < 1 || line > bytes.Count(source, []byte("\n"))) {
			return fmt.Sprintf("%s has no line %s", name, number)
		}
	}
	return ""
}

// markdownFiles are the documents among files. Test data is none.
func markdownFiles(files []string) []string {
	var documents []string
	for _, name := range files {
		if path.Ext(name) == ".md" && !slices.Contains(strings.Split(name, "/"), "testdata") {
			documents = append(documents, name)
		}
	}
	return documents
}

func TestBrokenLinks(t *testing.T) {
	const other = "# Other page: `Get`, and *more*!\n\n## Twice\n\n## Twice\n\n<a id=\"here\"></a>\n"
	tests := []struct {
		text string
		want string // part of the violation, "" for none
	}{
		{"[a](other.md)", ""},
		{"[a](other.md#other-page-get-and-more)", ""},
		{"[a](other.md#twice-1)", ""},
		{"[a](other.md#here)", ""},
		{"[a](#title)\n\n# Title", ""},
		{"[a](sub/)", ""},
		{"[a](sub)", ""},
		{"[a](../LICENSE)", ""},
		{"[a](sub/a.go#L2)", ""},
		{"[a](sub/with%20space.txt)", ""},
		{"[a](https://example.com/none) <mailto:a@example.com>", ""},
		{"[a][ref]\n\n[ref]: other.md", ""},
		{"`[a](none.md)`", ""},
		{"```\n[a](none.md)\n```", ""},
		{"text\n\n[a](none.md)", "docs/d.md:3: link to none.md: the repository has no docs/none.md"},
		{"![a](none.png)", "no docs/none.png"},
		{"[a][ref]\n\n[ref]: none.md", "no docs/none.md"},
		{"| a |\n| --- |\n| [a](none.md) |", "no docs/none.md"},
		{`<img src="none.png">`, "no docs/none.png"},
		{"text <a href=\"none.md\">x</a>", "no docs/none.md"},
		{"[a](other.md#none)", "docs/other.md has no heading #none"},
		{"[a](#none)", "docs/d.md has no heading #none"},
		{"[a](sub/a.go#L3)", "docs/sub/a.go has no line 3"},
		{"[a](sub/a.go#L1-L9)", "docs/sub/a.go has no line 9"},
		{"[a](sub/a.go#x)", "docs/sub/a.go has no anchor #x"},
		{"[a](sub#x)", "a folder has no anchors"},
		{"[a](/LICENSE)", "write it relative to this file"},
		{"[a](../../elsewhere)", "no ../elsewhere"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			tree := fstest.MapFS{
				"LICENSE":                 {},
				"docs/d.md":               {Data: []byte(tt.text)},
				"docs/other.md":           {Data: []byte(other)},
				"docs/sub/a.go":           {Data: []byte("package a\n\n")},
				"docs/sub/with space.txt": {},
			}
			var files []string
			for name := range tree {
				files = append(files, name)
			}
			got, err := brokenLinks(tree, files)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
