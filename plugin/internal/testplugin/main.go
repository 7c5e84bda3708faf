// The command testplugin is what the tests of the host run as a plugin. Its
// arguments choose how it behaves, or misbehaves.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/plugin/internal/testplugin/streamer"
	"github.com/roster-go/roster/plugin/sdk"
)

type settings struct {
	Greeting string `json:"greeting"`
	Fail     string `json:"fail"`
	Marker   string `json:"marker"` // a file that is there makes fail-second fail
}

type who struct {
	Name string `json:"name"`
}

type nap struct {
	Milliseconds int `json:"ms"`
}

func main() { //nolint:gocognit // a list of small functions
	mode := ""
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if mode == "garbage" {
		fmt.Fprintln(os.Stderr, "something on stderr")
		fmt.Println("hello, I am no plugin")
		time.Sleep(time.Hour)
	}
	switch mode {
	case "flood":
		go func() {
			for line := []byte(strings.Repeat("flood ", 200) + "\n"); ; {
				if _, err := os.NewFile(2, "stderr").Write(line); err != nil {
					return
				}
			}
		}()
	case "typed":
		typed()
	case "wild":
		wild()
	case "plain":
		plain()
		return
	case "crash-on-null", "deaf", "stubborn", "rough":
		bad(mode)
	}
	config := settings{Greeting: "Hello"}
	var inits atomic.Int32
	health := time.Now().Add(200 * time.Millisecond)
	version := "v1"
	if mode == "api-v9" {
		version = "v9"
	}
	release := "1.2.3"
	if mode == "two" {
		release = "2.0.0"
	}
	sdk.Serve(sdk.Plugin{Name: "test", Version: release, APIVersion: version},
		sdk.OnInit(func(ctx context.Context, raw json.RawMessage) error {
			inits.Add(1)
			switch mode {
			case "hang-init":
				<-ctx.Done()
				return ctx.Err()
			case "exit-init":
				fmt.Fprintln(os.Stderr, "cannot open the vault")
				slog.Error("about to exit", "code", 3)
				time.Sleep(20 * time.Millisecond)
				os.Exit(3)
			case "orphan":
				// A grandchild that keeps standard error open.
				child := exec.Command("sleep", "3600")
				child.Stdin, child.Stdout, child.Stderr = nil, nil, os.NewFile(2, "stderr")
				if err := child.Start(); err != nil {
					return err
				}
			}
			if err := sdk.Decode(raw, &config); err != nil {
				return err
			}
			if mode == "fail-second" {
				if _, err := os.Stat(config.Marker); err == nil {
					return errors.New("the vault is sealed")
				}
				return os.WriteFile(config.Marker, nil, 0o600)
			}
			if config.Fail != "" {
				return errors.New(config.Fail)
			}
			return nil
		}),
		sdk.OnHealth(func(context.Context) error {
			if mode == "sick" && time.Now().After(health) {
				return errors.New("not well")
			}
			return nil
		}),
		sdk.OnShutdown(func(context.Context) error {
			slog.Info("shutting down")
			return nil
		}),
		sdk.Func("test.hello", func(_ context.Context, in who) (map[string]string, error) {
			return map[string]string{"text": config.Greeting + ", " + in.Name, "pid": strconv.Itoa(os.Getpid()), "inits": strconv.Itoa(int(inits.Load()))}, nil
		}),
		sdk.Func("test.sleep", func(ctx context.Context, in nap) (string, error) {
			select {
			case <-time.After(time.Duration(in.Milliseconds) * time.Millisecond):
				return "slept", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}),
		sdk.Func("test.panic", func(context.Context, struct{}) (string, error) { panic("oh no") }),
		sdk.Func("test.exit", func(context.Context, struct{}) (string, error) {
			fmt.Fprintln(os.NewFile(2, "stderr"), "giving up the ghost")
			os.Exit(7)
			return "", nil
		}),
		sdk.Func("test.unavailable", func(context.Context, struct{}) (string, error) {
			return "", status.Error(codes.Unavailable, "the database is away")
		}),
		sdk.Func("test.huge", func(_ context.Context, in nap) (string, error) { return strings.Repeat("x", in.Milliseconds<<20), nil }),
		sdk.Func("test.last", func(context.Context, struct{}) (string, error) {
			time.AfterFunc(time.Millisecond, func() { os.Exit(6) })
			return "goodbye", nil
		}),
		sdk.Func("test.write", func(_ context.Context, in who) (string, error) {
			name, line, _ := strings.Cut(in.Name, " ")
			f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return "", err
			}
			_, err = f.WriteString(line + "\n")
			return "written", errors.Join(err, f.Close())
		}),
		sdk.Func("test.trace", func(ctx context.Context, _ struct{}) (string, error) {
			return trace.SpanContextFromContext(ctx).TraceID().String(), nil
		}),
		sdk.Func("test.env", func(context.Context, struct{}) ([]string, error) { return os.Environ(), nil }),
		sdk.Func("test.print", func(_ context.Context, in who) (int, error) { return fmt.Println(in.Name) }),
		sdk.Service(&streamer.ServiceDesc, streams{}),
	)
}

// streams serves the service that the streaming tests call.
type streams struct{}

func (streams) Chat(stream streamer.ChatServer) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	_ = stream.SendHeader(metadata.Pairs("greeting", "hi", "echo", fmt.Sprint(md.Get("question"))))
	stream.SetTrailer(metadata.Pairs("farewell", "bye"))
	for {
		text, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch text {
		case "trace":
			text = trace.SpanContextFromContext(stream.Context()).TraceID().String()
		case "fail":
			return status.Error(codes.DataLoss, "asked to fail")
		case "exit":
			os.Exit(9)
		case "huge":
			if err := stream.Send(strings.Repeat("x", 1<<30)); err != nil {
				return err
			}
		case "endless":
			for {
				if err := stream.Send("more"); err != nil {
					return err
				}
			}
		case "wait":
			<-stream.Context().Done()
			return stream.Context().Err()
		}
		if err := stream.Send("you said " + text); err != nil {
			return err
		}
	}
}
