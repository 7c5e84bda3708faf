package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"

	"aead.dev/minisign"
)

// SignatureSuffix ends the name of the file with a program's signature, as minisign
// names it.
const SignatureSuffix = ".minisig"

// A SignatureError reports a program that none of the host's trusted keys has signed.
type SignatureError struct {
	Plugin  string
	Source  string // descriptor file
	File    string // program file
	Problem string // as a clause
}

func (e *SignatureError) Error() string {
	return fmt.Sprintf("plugin: %s: program %s of plugin %q: %s; sign it with a trusted key (minisign -S -m %s), or trust the key of who has",
		e.Source, e.File, e.Plugin, e.Problem, shellQuote(e.File))
}

// parseKeys reads public keys of minisign.
func parseKeys(texts []string) ([]minisign.PublicKey, error) {
	keys := make([]minisign.PublicKey, len(texts))
	for i, text := range texts {
		if err := keys[i].UnmarshalText([]byte(text)); err != nil {
			return nil, fmt.Errorf("plugin: Options.TrustedKeys[%d] is no public key of minisign: %w; copy the second line of minisign.pub", i, err)
		}
	}
	return keys, nil
}

// checkSignature compares the open program with its signature, if the host demands one.
func (h *Host) checkSignature(d Descriptor, exe *executable) error {
	if len(h.trusted) == 0 {
		return nil
	}
	fault := func(problem string) error {
		return &SignatureError{Plugin: d.Name, Source: d.Source, File: exe.path, Problem: problem}
	}
	file, err := os.Open(exe.path + SignatureSuffix)
	if errors.Is(err, os.ErrNotExist) {
		return fault("there is no signature " + exe.path + SignatureSuffix)
	}
	if err != nil {
		return fault(osFault("its signature cannot be read", err))
	}
	defer func() { _ = file.Close() }()
	const limit = 16 << 10
	signature, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return fault(osFault("its signature cannot be read", err))
	}
	info, err := exe.file.Stat()
	if err != nil {
		return fault(osFault("it cannot be read", err))
	}
	reader := minisign.NewReader(io.NewSectionReader(exe.file, 0, info.Size()))
	if _, err := io.Copy(io.Discard, reader); err != nil {
		return fault(osFault("it cannot be read", err))
	}
	for _, key := range h.trusted {
		if reader.Verify(key, signature) {
			return nil
		}
	}
	return fault("its signature is of none of the trusted keys, or of another file")
}
