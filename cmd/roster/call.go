package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newCall(address *addressFlag) *cobra.Command {
	var (
		texts, binaries, saves []string
		timeout                time.Duration
		key                    string
		verbose                bool
	)
	cmd := &cobra.Command{
		Use:   "call CAPABILITY [JSON|-]",
		Short: "Call a capability with a JSON value and print what it returns",
		Long: `Call a capability wherever it is served. The input is one JSON value: the argument,
standard input for "-", or nothing for null. Flags put files into fields of the input and
get them out of the output:

  roster call markdown.render --text markdown=README.md
  roster call image.thumbnail '{"width": 320}' --bytes image=photo.jpg --save image=small.jpg

` + exitCodesHelp,
		Args: usage(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(address)
			if err != nil {
				return err
			}
			input, err := readInput(cmd.InOrStdin(), args[1:])
			if err != nil {
				return err
			}
			if input, err = addFiles(input, texts, binaries); err != nil {
				return err
			}
			for _, assignment := range saves { // before the call, which may have effects
				if _, _, err := splitAssignment("--save", assignment); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			output, servedBy, err := c.call(ctx, args[0], key, input)
			if err != nil {
				return err
			}
			if verbose {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "served by", servedBy)
			}
			rest, err := saveFields(output, saves)
			if err != nil {
				rest = output // what could not be saved is printed instead of lost
			}
			return errors.Join(err, printOut(cmd.OutOrStdout(), append(rest, '\n')))
		},
	}
	address.add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&texts, "text", nil, "put the text of a file into a field of the input: `FIELD=FILE`")
	flags.StringArrayVar(&binaries, "bytes", nil, "put the bytes of a file into a field, in base64: `FIELD=FILE`")
	flags.StringArrayVar(&saves, "save", nil, "write a base64 field of the output to a file instead of printing it: `FIELD=FILE`")
	flags.StringVar(&key, "key", "", "stay with one provider for all calls with this `KEY`")
	flags.DurationVar(&timeout, "timeout", 30*time.Second, "give up after this `TIME`")
	flags.BoolVarP(&verbose, "verbose", "v", false, "say on standard error who served the call")
	return cmd
}

func readInput(stdin io.Reader, args []string) ([]byte, error) {
	if len(args) == 0 {
		return nil, nil
	}
	input := []byte(args[0])
	if args[0] == "-" {
		var err error
		if input, err = io.ReadAll(io.LimitReader(stdin, api.MaxBody+1)); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		if len(input) > api.MaxBody {
			return nil, usageError{fmt.Errorf("standard input is larger than the limit of %d bytes", api.MaxBody)}
		}
	}
	var value json.RawMessage
	if err := json.Unmarshal(input, &value); err != nil {
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return nil, usageError{fmt.Errorf("the input is not one JSON value: %w at byte %d", err, syntax.Offset)}
		}
		return nil, usageError{fmt.Errorf("the input is not one JSON value: %w", err)}
	}
	return value, nil
}

// addFiles puts the content of files into fields of an input object.
func addFiles(input []byte, texts, binaries []string) ([]byte, error) {
	if len(texts)+len(binaries) == 0 {
		return input, nil
	}
	object, err := decodeObject(input, "the input", "--text and --bytes")
	if err != nil {
		return nil, err
	}
	add := func(flag string, assignments []string, encode func([]byte) string) error {
		for _, assignment := range assignments {
			field, file, err := splitAssignment(flag, assignment)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return usageError{fmt.Errorf("%s %s: %w", flag, assignment, err)}
			}
			if object[field], err = json.Marshal(encode(content)); err != nil {
				return fmt.Errorf("%s %s: %w", flag, assignment, err)
			}
		}
		return nil
	}
	if err := add("--text", texts, func(b []byte) string { return string(b) }); err != nil {
		return nil, err
	}
	if err := add("--bytes", binaries, base64.StdEncoding.EncodeToString); err != nil {
		return nil, err
	}
	return encodeObject(object)
}

// saveFields moves base64 fields of an output object to files.
func saveFields(output json.RawMessage, assignments []string) (json.RawMessage, error) {
	if len(assignments) == 0 {
		return output, nil
	}
	object, err := decodeObject(output, "the output", "--save")
	if err != nil {
		return nil, err
	}
	for _, assignment := range assignments {
		field, file, err := splitAssignment("--save", assignment)
		if err != nil {
			return nil, err
		}
		var content []byte // encoding/json decodes base64 into bytes
		if err := json.Unmarshal(object[field], &content); err != nil {
			return nil, fmt.Errorf("--save %s: the output has no base64 field %q: %s", assignment, field, abbreviate(output))
		}
		if err := os.WriteFile(file, content, 0o644); err != nil { //nolint:gosec // as a shell redirection would create it
			return nil, fmt.Errorf("--save %s: %w", assignment, err)
		}
		delete(object, field)
	}
	return encodeObject(object)
}

func encodeObject(object map[string]json.RawMessage) ([]byte, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("as JSON: %w", err)
	}
	return text, nil
}

func decodeObject(text []byte, what, flag string) (map[string]json.RawMessage, error) {
	object := make(map[string]json.RawMessage)
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || string(trimmed) == "null" {
		return object, nil
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, usageError{fmt.Errorf("%s is not a JSON object, which %s needs: %s", what, flag, abbreviate(text))}
	}
	return object, nil
}

func splitAssignment(flag, assignment string) (field, file string, err error) {
	field, file, ok := strings.Cut(assignment, "=")
	if !ok || field == "" || file == "" {
		return "", "", usageError{fmt.Errorf("%s %q is not FIELD=FILE", flag, assignment)}
	}
	return field, file, nil
}

func abbreviate(text []byte) string {
	const limit = 80
	if len(text) <= limit {
		return string(text)
	}
	return string(text[:limit]) + "…"
}
