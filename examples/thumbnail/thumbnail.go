package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"

	"golang.org/x/image/draw"

	"github.com/roster-go/roster/plugin/sdk"
)

// Limits of what is decoded. A small file can hold a huge image, so they are
// checked against the file's header before any pixel is.
const (
	maxPixels    = 50_000_000
	maxSide      = 30_000
	defaultWidth = 320
	jpegQuality  = 85
)

// A thumbnail is an encoded image.
type thumbnail struct {
	file          []byte
	width, height int
	format        string
}

// makeThumbnail scales an image to fit into a box of width by height pixels,
// either of which may be 0 for any. It keeps the proportions and never enlarges.
func makeThumbnail(ctx context.Context, file []byte, width, height int, format string) (*thumbnail, error) {
	switch {
	case len(file) == 0:
		return nil, sdk.Invalid("image: it is empty; send a PNG or JPEG file, in JSON as base64")
	case width < 0 || height < 0 || width > maxSide || height > maxSide:
		return nil, sdk.Invalid("width and height: %d x %d is out of range; use 0 for any, or up to %d", width, height, maxSide)
	case format != "" && format != "png" && format != "jpeg":
		return nil, sdk.Invalid("format: %q is unknown; use png, jpeg, or leave it out", format)
	}
	header, kind, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, sdk.Invalid("image: %d bytes that are no PNG or JPEG: %v", len(file), err)
	}
	if header.Width > maxSide || header.Height > maxSide || header.Width*header.Height > maxPixels {
		return nil, sdk.Invalid("image: %d x %d pixels exceed the limit of %d million pixels and %d a side",
			header.Width, header.Height, maxPixels/1_000_000, maxSide)
	}
	source, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, sdk.Invalid("image: the %s file is damaged: %v", kind, err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("before scaling: %w", err)
	}
	turn := upright
	if kind == "jpeg" {
		turn = orientationOf(file)
	}
	if turn.swapsSides() { // the box is meant for the upright image
		width, height = height, width
	}
	w, h := fit(source.Bounds().Dx(), source.Bounds().Dy(), width, height, turn.swapsSides())
	scaled := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(scaled, scaled.Bounds(), source, source.Bounds(), draw.Src, nil)
	result := turn.apply(scaled)
	if format == "" {
		format = kind
	}
	return encode(result, format)
}

// fit returns the largest size of the same proportions as w by h that is within
// the box and no larger than the image. If the box has no limit at all the
// default width applies, to the side that will be the width.
func fit(w, h, boxWidth, boxHeight int, turned bool) (width, height int) {
	if boxWidth == 0 && boxHeight == 0 {
		if turned {
			boxHeight = defaultWidth
		} else {
			boxWidth = defaultWidth
		}
	}
	scale := 1.0
	if boxWidth > 0 {
		scale = min(scale, float64(boxWidth)/float64(w))
	}
	if boxHeight > 0 {
		scale = min(scale, float64(boxHeight)/float64(h))
	}
	return max(1, int(math.Round(float64(w)*scale))), max(1, int(math.Round(float64(h)*scale)))
}

func encode(m *image.NRGBA, format string) (*thumbnail, error) {
	var out bytes.Buffer
	var err error
	if format == "jpeg" {
		err = jpeg.Encode(&out, flattened(m), &jpeg.Options{Quality: jpegQuality})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, m)
	}
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", format, err)
	}
	return &thumbnail{out.Bytes(), m.Bounds().Dx(), m.Bounds().Dy(), format}, nil
}

// flattened puts white behind what is transparent: JPEG has no transparency and
// would show it black.
func flattened(m *image.NRGBA) image.Image {
	if m.Opaque() {
		return m
	}
	out := image.NewRGBA(m.Bounds())
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), m, m.Bounds().Min, draw.Over)
	return out
}
