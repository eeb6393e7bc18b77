#!/usr/bin/python3
"""A handler for mails: the payload is a mail as JSON, the result a thumbnail (PNG) of the first image in it.

    sheaf-worker thumbnails -- python3 examples/thumbnail.py

The queue's mails have to come as JSON: `payload = json` in the section [smtp.queue.thumbnails] of sheafd's file.
Needs Pillow (Debian: python3-pil)."""
import base64
import io
import json
import os
import sys

from PIL import Image, UnidentifiedImageError

SIZE = 160, 160
Image.MAX_IMAGE_PIXELS = 50_000_000  # a small file may hold a picture that fills the memory; Pillow refuses twice this

if os.environ.get("SHEAF_H_MIME") == "raw":
    sys.exit(f"this mail cannot be read: {os.environ.get('SHEAF_H_MIME_WHY')}")
mail = json.load(sys.stdin)
for attachment in mail["attachments"]:  # whatever its type and name say: many mail programs do not know them
    try:
        image = Image.open(io.BytesIO(base64.b64decode(attachment["content"])))
        image.thumbnail(SIZE)
        image.convert("RGBA").save(sys.stdout.buffer, "PNG")
        break
    except UnidentifiedImageError:
        continue
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        sys.exit(f"{attachment['name']}: {error}")
else:
    sys.exit(f"{mail['envelope']['from']} sent no image")
