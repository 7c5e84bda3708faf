package main_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/examples/thumbnail/imagev1"
	"github.com/roster-go/roster/plugin"
)

// start builds the plugin and runs it from its own descriptor.
func start(t *testing.T) *plugin.Host {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	descriptor, err := os.ReadFile(plugin.DescriptorFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, plugin.DescriptorFile), descriptor, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := plugin.NewHost(plugin.Options{Directory: roster.NewDirectory()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := h.LoadDir(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return h
}

var red, blue = color.NRGBA{R: 255, A: 255}, color.NRGBA{B: 255, A: 255}

// picture is w by h pixels, red in its upper left quarter and blue elsewhere.
func picture(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			if x < w/2 && y < h/2 {
				m.SetNRGBA(x, y, red)
			} else {
				m.SetNRGBA(x, y, blue)
			}
		}
	}
	return m
}

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// asJPEG adds an Exif orientation unless it is 0.
func asJPEG(t *testing.T, m image.Image, orientation uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	if orientation == 0 {
		return b.Bytes()
	}
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01")
	exif = append(exif, 0x01, 0x12, 0, 3, 0, 0, 0, 1)
	exif = binary.BigEndian.AppendUint16(exif, orientation)
	exif = append(exif, 0, 0, 0, 0, 0, 0)
	file := append([]byte{0xff, 0xd8, 0xff, 0xe1}, 0, 0)
	binary.BigEndian.PutUint16(file[4:], uint16(len(exif)+2))
	return append(append(file, exif...), b.Bytes()[2:]...)
}

type reply struct {
	Image         []byte
	Width, Height int
	Format        string
	Bytes         int
}

func call(t *testing.T, h *plugin.Host, input map[string]any) (reply, error) {
	t.Helper()
	text, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Call(t.Context(), "image.thumbnail", text)
	if err != nil {
		return reply{}, err
	}
	var out reply
	if err := json.Unmarshal(answer.Output, &out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

// near reports whether two colours look the same: JPEG is not exact.
func near(a color.Color, b color.NRGBA) bool {
	r, g, bl, _ := a.RGBA()
	far := func(x uint32, y uint8) bool { d := int(x>>8) - int(y); return d < -40 || d > 40 }
	return !far(r, b.R) && !far(g, b.G) && !far(bl, b.B)
}

func TestThumbnail(t *testing.T) {
	h := start(t)
	large, small := picture(1600, 1200), picture(40, 30)
	for name, c := range map[string]struct {
		input         map[string]any
		width, height int
		format        string
	}{
		"png":               {map[string]any{"image": asPNG(t, large), "width": 200}, 200, 150, "png"},
		"jpeg":              {map[string]any{"image": asJPEG(t, large, 0), "width": 200}, 200, 150, "jpeg"},
		"default width":     {map[string]any{"image": asJPEG(t, large, 0)}, 320, 240, "jpeg"},
		"by height":         {map[string]any{"image": asPNG(t, large), "height": 60}, 80, 60, "png"},
		"in a box":          {map[string]any{"image": asPNG(t, large), "width": 100, "height": 10}, 13, 10, "png"},
		"other format":      {map[string]any{"image": asPNG(t, large), "width": 100, "format": "jpeg"}, 100, 75, "jpeg"},
		"never enlarged":    {map[string]any{"image": asPNG(t, small), "width": 4000}, 40, 30, "png"},
		"one pixel remains": {map[string]any{"image": asPNG(t, picture(3000, 2)), "width": 10}, 10, 1, "png"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := call(t, h, c.input)
			if err != nil {
				t.Fatal(err)
			}
			m, format, err := image.Decode(bytes.NewReader(out.Image))
			if err != nil || format != c.format || m.Bounds().Dx() != c.width || m.Bounds().Dy() != c.height {
				t.Fatalf("%s %v, %v; want %s %dx%d", format, m.Bounds(), err, c.format, c.width, c.height)
			}
			if out.Width != c.width || out.Height != c.height || out.Format != c.format || out.Bytes != len(out.Image) {
				t.Errorf("says %d x %d %s, %d bytes", out.Width, out.Height, out.Format, out.Bytes)
			}
			if c.height > 2 && (!near(m.At(1, 1), red) || !near(m.At(c.width-2, c.height-2), blue)) {
				t.Errorf("colours %v and %v", m.At(1, 1), m.At(c.width-2, c.height-2))
			}
		})
	}
}

// Whatever its orientation, a photograph comes out upright, with the red quarter
// where the camera saw it.
func TestThumbnailIsUpright(t *testing.T) {
	h := start(t)
	for orientation, c := range map[uint16]struct {
		width, height int
		corner        image.Point // of the red quarter: 0 or 1 for near and far
	}{
		1: {160, 120, image.Pt(0, 0)}, 2: {160, 120, image.Pt(1, 0)}, 3: {160, 120, image.Pt(1, 1)}, 4: {160, 120, image.Pt(0, 1)},
		5: {160, 213, image.Pt(0, 0)}, 6: {160, 213, image.Pt(1, 0)}, 7: {160, 213, image.Pt(1, 1)}, 8: {160, 213, image.Pt(0, 1)},
		99: {160, 120, image.Pt(0, 0)},
	} {
		out, err := call(t, h, map[string]any{"image": asJPEG(t, picture(400, 300), orientation), "width": 160})
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := image.Decode(bytes.NewReader(out.Image))
		if err != nil || out.Width != c.width || out.Height != c.height {
			t.Errorf("orientation %d: %d x %d, %v; want %d x %d", orientation, out.Width, out.Height, err, c.width, c.height)
			continue
		}
		for _, corner := range []image.Point{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0, Y: 1}, {X: 1, Y: 1}} {
			want := blue
			if corner == c.corner {
				want = red
			}
			if got := m.At(5+corner.X*(c.width-11), 5+corner.Y*(c.height-11)); !near(got, want) {
				t.Errorf("orientation %d, corner %v: %v, want %v", orientation, corner, got, want)
			}
		}
	}
}

// bomb is a PNG of a few bytes that claims to be enormous.
func bomb(t *testing.T) []byte {
	t.Helper()
	file := asPNG(t, picture(1, 1))
	binary.BigEndian.PutUint32(file[16:], 20_000)
	binary.BigEndian.PutUint32(file[20:], 20_000)
	return withCRC(file)
}

func TestThumbnailRefuses(t *testing.T) {
	h := start(t)
	damaged := asJPEG(t, picture(400, 300), 0)
	damaged = damaged[:len(damaged)-100]
	for want, input := range map[string]map[string]any{
		"image: it is empty":                                               {},
		"image: 5 bytes that are no PNG or JPEG":                           {"image": []byte("hello")},
		"image: 20000 x 20000 pixels exceed the limit of 50 million":       {"image": bomb(t)},
		"image: the jpeg file is damaged":                                  {"image": damaged},
		"width and height: -1 x 0 is out of range":                         {"image": asPNG(t, picture(9, 9)), "width": -1},
		`format: "webp" is unknown; use png, jpeg`:                         {"image": asPNG(t, picture(9, 9)), "format": "webp"},
		`unknown field "size"; known fields: format, height, image, width`: {"size": 1},
	} {
		_, err := call(t, h, input)
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestTypedService(t *testing.T) {
	h := start(t)
	stub := imagev1.NewThumbnailServiceClient(h.Conn(imagev1.ThumbnailService_ServiceDesc.ServiceName))
	out, err := stub.CreateThumbnail(t.Context(), &imagev1.CreateThumbnailRequest{Image: asPNG(t, picture(1600, 1200)), Width: 64})
	if err != nil {
		t.Fatal(err)
	}
	m, format, err := image.Decode(bytes.NewReader(out.GetImage()))
	if err != nil || format != "png" || m.Bounds() != image.Rect(0, 0, 64, 48) || out.GetWidth() != 64 || out.GetHeight() != 48 {
		t.Errorf("%v %s, %v", m.Bounds(), format, err)
	}
	_, err = stub.CreateThumbnail(t.Context(), &imagev1.CreateThumbnailRequest{Image: []byte("hello")})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("%v", err)
	}
}

// withCRC corrects the checksum of a PNG's header.
func withCRC(file []byte) []byte {
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}
