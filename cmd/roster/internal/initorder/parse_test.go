package initorder

import (
	"strings"
	"testing"
)

func TestParseSymbols(t *testing.T) {
	t.Parallel()
	got, err := parseSymbols(strings.NewReader(`cache/a-d:	     a03         16 D q/b-c..inittask
cache/a-d:	                  0 U os..inittask
cache/a-d:	     100         16 T os.Getpid
cache/b-d(_go_.o):	  2f9e0d          8 D net..inittask
`), "only")
	if err != nil || len(got) != 3 {
		t.Fatalf("got %v, %v", got, err)
	}
	tasks := tasksOf(got)
	if a := tasks["cache/a-d"]; a.symbol != "q/b-c..inittask" || a.functions != 1 || len(a.needs) != 1 || a.needs[0] != "os..inittask" {
		t.Errorf("got %+v", a)
	}
	if b := tasks["cache/b-d"]; b.symbol != "net..inittask" || b.functions != 0 {
		t.Errorf("got %+v", b)
	}
	got, err = parseSymbols(strings.NewReader("     a03         16 D q..inittask\n"), "only")
	if err != nil || len(got) != 1 || got[0].file != "only" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseSymbols(strings.NewReader("a03 many D q..inittask\n"), "only"); err == nil || !strings.Contains(err.Error(), "not a symbol with its size") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseSymbols(f *testing.F) {
	f.Add("x:\t a 16 D q..inittask\n 0 U os..inittask\n")
	f.Add(":\t..inittask\n16 D ..inittask")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parseSymbols(strings.NewReader(text), "only")
		if err != nil {
			return
		}
		for file, task := range tasksOf(found) {
			if !strings.HasSuffix(task.symbol, taskSuffix) || !strings.Contains(text, task.symbol) || task.functions < 0 && !strings.Contains(text, "-") {
				t.Errorf("%s has %+v", file, task)
			}
		}
	})
}

func FuzzParseList(f *testing.F) {
	f.Add(`{"ImportPath":"a","Name":"main","Module":{"Path":"m","Replace":{"Path":"./x"}}}{"ImportPath":"b"}`)
	f.Add(`{"Error":{"Err":"x"}}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		packages, err := parseList(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, p := range packages {
			if p.Module.String() == "" && p.Module != nil && p.Module.Path != "" {
				t.Errorf("%+v has no text", p.Module)
			}
		}
	})
}
