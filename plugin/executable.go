package plugin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// An executable is a plugin's program file, opened and checked. Where the
// system allows, the process is made from the open file, so that the bytes
// which run are the bytes which were checked even if the path is swapped.
type executable struct {
	file   *os.File
	path   string
	script bool // starts with #!, so the interpreter opens the path again
}

// openExecutable opens the program of a descriptor and compares its checksum
// if there is one. Errors are [*DescriptorError] and [*ChecksumError].
func openExecutable(d Descriptor) (*executable, error) {
	path := d.program()
	fault := func(problem, fix string) error {
		field := "command"
		if d.Module != "" {
			field = "module"
		}
		return &DescriptorError{File: d.Source, Field: field, Problem: problem, Fix: fix}
	}
	file, err := os.Open(path)
	if err != nil {
		fix := "check the path and its permissions; it is relative to the descriptor's folder"
		if errors.Is(err, fs.ErrNotExist) && len(d.Command) == 1 && strings.Contains(d.Command[0], " ") {
			fix = "if it contains arguments write it as a list, as in: command: [./program, --flag]"
		}
		return nil, fault(osFault("command "+path, err), fix)
	}
	e := &executable{file: file, path: path}
	if err := e.check(d, fault); err != nil {
		_ = file.Close()
		return nil, err
	}
	return e, nil
}

func (e *executable) check(d Descriptor, fault func(problem, fix string) error) error {
	info, err := e.file.Stat()
	switch {
	case err != nil:
		return fault(osFault("command "+e.path, err), "check the file")
	case !info.Mode().IsRegular():
		return fault(fmt.Sprintf("command %s is not a file", e.path), "name the program itself")
	case d.Module != "": // it is read, not run by the system
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return fault(fmt.Sprintf("command %s is not executable", e.path), "run: chmod +x "+shellQuote(e.path))
	}
	var head [2]byte
	if n, _ := e.file.ReadAt(head[:], 0); n == len(head) && string(head[:]) == "#!" {
		e.script = true
	}
	if d.SHA256 == "" {
		return nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, e.file); err != nil {
		return fault(osFault("command "+e.path+" cannot be read", err), "check the file")
	}
	have := hash.Sum(nil)
	want, err := hex.DecodeString(d.SHA256)
	if err != nil || subtle.ConstantTimeCompare(have, want) != 1 {
		return &ChecksumError{Plugin: d.Name, Source: d.Source, File: e.path, Want: d.SHA256, Have: hex.EncodeToString(have)}
	}
	return nil
}

func (e *executable) close() { _ = e.file.Close() }
