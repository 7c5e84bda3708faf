package hang_test

import (
	"strings"
	"testing"

	"github.com/roster-go/roster/initwatch/hang"
)

const quit = `SIGQUIT: quit
PC=0x47a747 m=0 sigcode=0

goroutine 0 gp=0x5256e0 m=0 mp=0x5256e0 [idle]:
runtime.futex(0x5256e0, 0x80)
	/usr/local/go/src/runtime/sys_linux_amd64.s:558 +0x21 fp=0x1 sp=0x2 pc=0x3

goroutine 1 gp=0xc000002380 m=nil [chan receive, 2 minutes, locked to thread]:
runtime.gopark(0x0?, {0x1, 0x2})
	/usr/local/go/src/runtime/proc.go:462 +0xce fp=0x1 sp=0x2 pc=0x3
example.com/a%2eb.(*T[...]).wait(...)
	/src/a.b/a.go:11
...additional frames elided...
example.com/a%2eb.init.0()
	/src/a.b/a.go:7 +0x1c fp=0x1 sp=0x2 pc=0x3
runtime.doInit1(0x529b10)
	/usr/local/go/src/runtime/proc.go:8103 +0xd5 fp=0x1 sp=0x2 pc=0x3
runtime.main()
	/usr/local/go/src/runtime/proc.go:258 +0x270 fp=0x1 sp=0x2 pc=0x3

goroutine 6 gp=0xc000002a80 m=nil [select (no cases)]:
example.com/a%2eb.work()
	/src/a.b/b.go:3 +0x1c fp=0x1 sp=0x2 pc=0x3
created by example.com/a%2eb.init.0 in goroutine 1
	/src/a.b/a.go:6 +0x1c

rax    0xca
`

func TestParseReadsWhatTheRuntimeWritesAtAQuit(t *testing.T) {
	for name, dump := range map[string]string{"unix": quit, "windows": strings.ReplaceAll(quit, "\n", "\r\n")} {
		all := hang.Parse(dump)
		if len(all) != 3 || all[0].ID != 0 || all[1].ID != 1 || all[2].ID != 6 {
			t.Fatalf("%s: %+v", name, all)
		}
		if all[1].State != "chan receive" || all[2].State != "select (no cases)" || all[2].CreatorID != 1 ||
			all[2].Creator != (hang.Frame{Function: "example.com/a%2eb.init.0", File: "/src/a.b/a.go", Line: 6}) {
			t.Errorf("%s: %+v", name, all)
		}
		h, verdict := hang.Find(all)
		if verdict != hang.InInit || h.Init.Package() != "example.com/a.b" || h.Init.Name() != "init.0" || h.Init.At() != "/src/a.b/a.go:7" ||
			h.Cause != hang.Channel || len(h.Chain) != 2 || h.Chain[0].Name() != "(*T[...]).wait" || len(h.Started) != 1 {
			t.Errorf("%s: %v %+v", name, verdict, h)
		}
	}
}

// TestDeadlockLacksTheRuntimesCalls: there is no runtime.doInit1 in such a dump.
func TestDeadlockLacksTheRuntimesCalls(t *testing.T) {
	const inInit = "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive (nil chan), locked to thread]:\n" +
		"main.wait(...)\n\tmain.go:9\nmain.init()\n\tmain.go:5 +0x1d\n"
	h, verdict := hang.Find(hang.Parse(inInit))
	if verdict != hang.InInit || !h.Init.Initialiser() || h.Init.Package() != "main" || h.Cause != hang.Channel {
		t.Errorf("%v %+v", verdict, h)
	}
	inMain := strings.Replace(inInit, "main.init()", "main.main()", 1)
	if h, verdict := hang.Find(hang.Parse(inMain)); verdict != hang.InMain {
		t.Errorf("%v %+v", verdict, h)
	}
	if _, verdict := hang.Find(hang.Parse("goroutine 1 [IO wait]:\nnet/http.(*Server).Serve(0x1)\n\tserver.go:9 +0x1\n")); verdict != hang.Unknown {
		t.Errorf("a stack that was cut short gives %v", verdict)
	}
}

func TestStandardLibraryIsToldFromModulesOfThatName(t *testing.T) {
	for _, tt := range []struct {
		f    hang.Frame
		want bool
	}{
		{hang.Frame{Function: "net/http.(*Client).do", File: "/usr/local/go/src/net/http/client.go", Line: 1}, true},
		{hang.Frame{Function: "net/http.(*Client).do", File: "net/http/client.go", Line: 1}, true},
		{hang.Frame{Function: "sync.runtime_notifyListWait", File: "/go/src/runtime/sema.go", Line: 1}, true},
		{hang.Frame{Function: "vendor/golang.org/x/net/http2.f", File: "/go/src/vendor/golang.org/x/net/http2/a.go"}, true},
		{hang.Frame{Function: "golang.org/x/sys/unix.Flock", File: "/m/golang.org/x/sys@v0.1.0/unix/a.go"}, true},
		{hang.Frame{Function: "example.com/a.init.0.OnceValue[...].func1", File: "/go/src/sync/oncefunc.go"}, true},
		{hang.Frame{Function: "log/mine.f", File: "/home/me/log/mine/a.go", Line: 1}, false},
		{hang.Frame{Function: "main.main", File: "/home/me/main.go", Line: 1}, false},
		{hang.Frame{Function: "golang.org/x/net/context.f", File: "/m/a.go"}, false},
	} {
		if got := tt.f.Standard(); got != tt.want {
			t.Errorf("%+v: %v", tt.f, got)
		}
	}
}

// TestDumpOfManyGoroutinesIsBounded: goroutine 1 is kept wherever it stands, and its outermost call.
func TestDumpOfManyGoroutinesIsBounded(t *testing.T) {
	var b strings.Builder
	for range hang.MaxGoroutines + 5 {
		b.WriteString("goroutine 7 [sleep]:\na.f()\n\ta.go:1 +0x1\n\n")
	}
	b.WriteString("goroutine 1 [sleep]:\n")
	for range hang.MaxFrames * 3 {
		b.WriteString("main.deep()\n\ta.go:2 +0x1\n")
	}
	b.WriteString("main.init.0()\n\ta.go:3 +0x1\n")
	all := hang.Parse(b.String())
	if len(all) != hang.MaxGoroutines+1 {
		t.Errorf("%d goroutines", len(all))
	}
	h, verdict := hang.Find(all)
	if verdict != hang.InInit || len(h.Chain) != hang.MaxFrames || h.Init.At() != "a.go:3" {
		t.Errorf("%v with %d calls, in %+v", verdict, len(h.Chain), h.Init)
	}
}

func TestEveryCauseHasWords(t *testing.T) {
	for _, c := range []hang.Cause{
		hang.Connect, hang.Network, hang.Accept, hang.HTTP, hang.DNS, hang.Open, hang.Read, hang.FileLock, hang.Lock, hang.Once, hang.WaitGroup,
		hang.Cond, hang.Channel, hang.Select, hang.Sleep, hang.Child, hang.Spin, hang.Cgo, hang.CgoCallback, hang.Registers, hang.System, hang.Other,
	} {
		if c.Means() == "" || c.Cure() == "" {
			t.Errorf("%s has no words", c)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(quit)
	f.Add("goroutine 1 [chan receive, locked to thread]:\nexample%2ecom.init.0()\n\t/x/a.go:3 +0x1d\nmain.main()\n\t/x/main.go:1\n\ngoroutine 2 [idle]:\n")
	f.Add("goroutine 7 [running]:\n\ngoroutine 1 [select]:\ngithub.com/a/b%2ev1.(*T).m(0x1)\n\t/x/a.go:3 +0x1d\n")
	f.Add("goroutine 1 [")
	f.Add("goroutine 1 []:\ncreated by a in goroutine 99999999999999999999999\n\t:99999999999999999999\n")
	f.Fuzz(func(t *testing.T, dump string) {
		all := hang.Parse(dump)
		for _, g := range all {
			if len(g.Frames) > hang.MaxFrames {
				t.Errorf("%d calls", len(g.Frames))
			}
		}
		h, verdict := hang.Find(all)
		if verdict == hang.InInit && (len(h.Chain) == 0 || !strings.Contains(h.Text(), h.Init.At())) {
			t.Errorf("an accusation without a place: %+v", h)
		}
	})
}
