// The command markdown is a Roster plugin that renders Markdown: the capability
// markdown.render takes {"markdown": "# Hi"} and returns {"html": "<h1>Hi</h1>\n"}.
package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/roster-go/roster/plugin/sdk"
)

type input struct {
	Markdown string `json:"markdown"`
}

type output struct {
	HTML string `json:"html"`
}

func main() {
	// GFM: tables, task lists, strikethrough and bare links. Without the option
	// html.WithUnsafe goldmark leaves raw HTML and dangerous links out.
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	sdk.Serve(sdk.Plugin{Name: "markdown", Version: "1.0.0"},
		sdk.Func("markdown.render", func(_ context.Context, in input) (output, error) {
			var html bytes.Buffer
			if err := md.Convert([]byte(in.Markdown), &html); err != nil {
				return output{}, fmt.Errorf("render: %w", err)
			}
			return output{html.String()}, nil
		}))
}
