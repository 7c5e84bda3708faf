package survey

import (
	"go/types"
	"strings"
)

// seeds are the functions of the standard library with an effect. What the standard library itself
// calls is not followed: everything ends in a system call.
var seeds = seedTable(map[EffectKind]string{
	Network: `net.Dial net.DialTimeout net.DialTCP net.DialUDP net.DialUnix net.Listen net.ListenTCP net.ListenPacket
		net.ListenUDP net.ListenUnix net.LookupHost net.LookupAddr net.LookupIP net.LookupCNAME net.LookupMX net.LookupNS
		net.LookupSRV net.LookupTXT
		(*net.Dialer).Dial (*net.Dialer).DialContext (*net.ListenConfig).Listen (*net.ListenConfig).ListenPacket
		(*net.Resolver).LookupHost (*net.Resolver).LookupIPAddr (*net.Resolver).LookupAddr
		net/http.Get net/http.Head net/http.Post net/http.PostForm net/http.ListenAndServe net/http.ListenAndServeTLS
		net/http.Serve (*net/http.Client).Do (*net/http.Client).Get (*net/http.Client).Head (*net/http.Client).Post
		(*net/http.Client).PostForm (*net/http.Server).ListenAndServe (*net/http.Server).ListenAndServeTLS
		(*net/http.Server).Serve crypto/tls.Dial crypto/tls.Listen net/smtp.Dial net/smtp.SendMail net/rpc.Dial
		net/rpc.DialHTTP log/syslog.New log/syslog.Dial
		(*database/sql.DB).Ping (*database/sql.DB).PingContext (*database/sql.DB).Exec (*database/sql.DB).ExecContext
		(*database/sql.DB).Query (*database/sql.DB).QueryContext (*database/sql.DB).QueryRow`,
	Process: `(*os/exec.Cmd).Run (*os/exec.Cmd).Start (*os/exec.Cmd).Output (*os/exec.Cmd).CombinedOutput os.StartProcess
		syscall.Exec syscall.ForkExec`,
	Wait: `time.Sleep (*sync.WaitGroup).Wait (*sync.Cond).Wait (*os/exec.Cmd).Wait (*os.Process).Wait`,
	Files: `os.Open os.OpenFile os.Create os.CreateTemp os.ReadFile os.WriteFile os.ReadDir os.Mkdir os.MkdirAll
		os.MkdirTemp os.Remove os.RemoveAll os.Rename os.Stat os.Lstat os.Chmod os.Chown os.Symlink os.Link os.Truncate
		os.CopyFS os.OpenRoot io/ioutil.ReadFile io/ioutil.WriteFile io/ioutil.ReadDir io/ioutil.TempFile io/ioutil.TempDir
		path/filepath.Walk path/filepath.WalkDir path/filepath.Glob path/filepath.EvalSymlinks
		html/template.ParseFiles html/template.ParseGlob text/template.ParseFiles text/template.ParseGlob
		crypto/tls.LoadX509KeyPair debug/elf.Open debug/buildinfo.ReadFile archive/zip.OpenReader go/parser.ParseFile
		go/parser.ParseDir plugin.Open`,
	Goroutine: `time.AfterFunc (*sync.WaitGroup).Go`,
})

// settled are functions of others that start goroutines and wait for them, so that nothing is left when they
// return: a Prometheus registry lets a collector describe itself in one.
var settled = map[string]bool{
	"(*github.com/prometheus/client_golang/prometheus.Registry).Register":     true,
	"(*github.com/prometheus/client_golang/prometheus.Registry).MustRegister": true,
}

func seedTable(byKind map[EffectKind]string) map[string]EffectKind {
	table := make(map[string]EffectKind)
	for kind, names := range byKind {
		for name := range strings.FieldsSeq(names) {
			table[name] = kind
		}
	}
	return table
}

// seed is the effect of a function of the standard library.
func seed(fn *types.Func) (EffectKind, bool) {
	kind, ok := seeds[fn.Origin().FullName()]
	return kind, ok
}

// IsStandard reports whether a package belongs to the standard library, by its path.
func IsStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && standardRoots[first]
}

// standardRoots are the first elements of import paths of the standard library: a module may have
// a path without a dot as well.
var standardRoots = func() map[string]bool {
	roots := make(map[string]bool)
	for name := range strings.FieldsSeq(`archive bufio builtin bytes cmp compress container context crypto database debug
		embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin
		reflect regexp runtime simd slices sort strconv strings structs sync syscall testing text time unicode unique unsafe vendor
		weak`) {
		roots[name] = true
	}
	return roots
}()
