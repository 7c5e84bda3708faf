package access

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of the file of tokens.
const (
	maxTokens    = 1000
	maxTokenFile = 1 << 20 // bytes
	maxName      = 64      // bytes of a name
)

// A FileError reports a file of tokens that cannot be used.
type FileError struct {
	Path    string
	Problem string // what is wrong and what to do
	Err     error  // the cause, if there is one
}

func (e *FileError) Error() string { return e.Path + ": " + e.Problem }

// Unwrap returns the cause, if there is one.
func (e *FileError) Unwrap() error { return e.Err }

// ErrNoToken reports that the file has no such token.
var ErrNoToken = errors.New("there is no such token; roster token ls lists them")

// tokenFile is the form of the file.
type tokenFile struct {
	Tokens []Token `json:"tokens"`
}

// ReadTokens reads a file of tokens. It refuses one that others than its owner may read or write: who
// can add a line to it can do everything.
func ReadTokens(path string) ([]Token, error) {
	tokens, _, err := readTokens(path)
	return tokens, err
}

func readTokens(path string) ([]Token, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, &FileError{path, fmt.Sprintf("cannot read the file of tokens: %v; make one with roster token new", cause(err)), err}
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, nil, &FileError{path, cause(err).Error(), err}
	}
	if err := checkPrivate(path, info); err != nil {
		return nil, info, err
	}
	if info.Size() > maxTokenFile {
		return nil, info, &FileError{path, fmt.Sprintf("it has more than %d bytes; this is no file of tokens", maxTokenFile), nil}
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(f); err != nil {
		return nil, info, &FileError{path, cause(err).Error(), err}
	}
	tokens, err := parseTokens(text.Bytes())
	if err != nil {
		return nil, info, &FileError{path, err.Error(), err}
	}
	return tokens, info, nil
}

// checkPrivate refuses a file that is open to others. On Windows the folder's access list decides,
// which the mode does not show.
func checkPrivate(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &FileError{path, "it is no regular file", nil}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return &FileError{path, fmt.Sprintf("its permissions are %#o, and others must not read or write it: chmod 600 %s", mode, path), nil}
	}
	return nil
}

func parseTokens(text []byte) ([]Token, error) {
	var file tokenFile
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("it is no file of tokens: %w", err)
	}
	if len(file.Tokens) > maxTokens {
		return nil, fmt.Errorf("it has more than %d tokens; revoke those that nobody uses", maxTokens)
	}
	seen := make(map[string]bool)
	for i := range file.Tokens {
		t := &file.Tokens[i]
		if len(t.ID) != idLen || !isBase62(t.ID) || seen[t.ID] {
			return nil, fmt.Errorf("token %d has the id %q, which is malformed or there twice", i+1, t.ID)
		}
		seen[t.ID] = true
		if err := checkName(t.Name); err != nil {
			return nil, err
		}
		if t.Role < Read || t.Role > Kill {
			return nil, fmt.Errorf("token %s has no role; give read, operate or kill", t.ID)
		}
		if raw, err := hex.DecodeString(t.SHA256); err != nil || len(raw) != len(hash{}) {
			return nil, fmt.Errorf("token %s has no SHA-256 in hexadecimal", t.ID)
		}
	}
	return file.Tokens, nil
}

// checkName refuses names that would be misread in a log or a table.
func checkName(name string) error {
	odd := func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == utf8.RuneError }
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("the name %q is empty, longer than %d bytes, or has spaces or control characters", name, maxName)
	}
	return nil
}

// NewToken makes a token, adds its hash to the file, which is made if it is not there, and returns
// the token. Nothing else ever has it. A zero expires means never.
func NewToken(path, name string, role Role, now, expires time.Time) (string, Token, error) {
	if err := checkName(name); err != nil {
		return "", Token{}, err
	}
	text, id := newToken()
	digest := hashOf(text)
	made := Token{ID: id, Name: name, Role: role, Created: now.UTC().Truncate(time.Second), SHA256: hex.EncodeToString(digest[:])}
	if !expires.IsZero() {
		made.Expires = expires.UTC().Truncate(time.Second)
	}
	err := changeTokens(path, func(tokens []Token) ([]Token, error) {
		if len(tokens) >= maxTokens {
			return nil, fmt.Errorf("there are %d tokens, which is the limit; revoke those that nobody uses", maxTokens)
		}
		return append(tokens, made), nil
	})
	return text, made, err
}

// RevokeToken takes a token out of the file, by its id or, if one token alone has it, its name.
func RevokeToken(path, which string) (Token, error) {
	var revoked Token
	err := changeTokens(path, func(tokens []Token) ([]Token, error) {
		var found []int
		for i := range tokens {
			if tokens[i].ID == which {
				found = []int{i}
				break
			}
			if tokens[i].Name == which {
				found = append(found, i)
			}
		}
		switch len(found) {
		case 0:
			return nil, ErrNoToken
		case 1:
			revoked = tokens[found[0]]
			return slices.Delete(tokens, found[0], found[0]+1), nil
		default:
			return nil, fmt.Errorf("%d tokens have the name %q; give the id of one", len(found), which)
		}
	})
	return revoked, err
}

// changeTokens replaces the file in one step, so that a reader sees the old or the new one. A file
// beside it keeps two changes from overtaking each other.
func changeTokens(path string, change func([]Token) ([]Token, error)) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &FileError{path, cause(err).Error(), err}
	}
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &FileError{path, "another roster token changes it; if none does, one was interrupted: rm " + next, err}
	}
	if err != nil {
		return &FileError{path, cause(err).Error(), err}
	}
	defer func() {
		if err != nil {
			_ = f.Close()       // what it wrote is not wanted
			_ = os.Remove(next) // likewise
		}
	}()
	tokens, err := ReadTokens(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if tokens, err = change(tokens); err != nil {
		return err
	}
	text, err := json.MarshalIndent(tokenFile{slices.Concat([]Token{}, tokens)}, "", "  ")
	if err != nil {
		return fmt.Errorf("the file of tokens: %w", err)
	}
	if _, err = f.Write(append(text, '\n')); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return &FileError{path, cause(err).Error(), err}
	}
	if err = os.Rename(next, path); err != nil {
		return &FileError{path, cause(err).Error(), err}
	}
	return nil
}

// cause is an error of the file system without the path, which is said already.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// ReadToken reads a token from a file that has nothing else, and that others must not read.
func ReadToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", &FileError{path, fmt.Sprintf("cannot read the token: %v", cause(err)), err}
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err == nil {
		err = checkPrivate(path, info)
	}
	if err != nil {
		return "", err
	}
	const enough = 4 << 10
	text, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return "", &FileError{path, cause(err).Error(), err}
	}
	token := strings.TrimSpace(string(text))
	if err := CheckToken(token); err != nil {
		return "", &FileError{path, err.Error(), err}
	}
	return token, nil
}
