"The runtime of networks in pages: fetched once, checked; without npm, one line says why it lacks."

import io
import json
import lzma
import tarfile

import pytest

import vendor

MODULE = b"var a=1,b=import.meta.url;export{a as Tensor, b as env};\n//# sourceMappingURL=x\n"


def make_archive(path):
    "Write an archive with the two files that are used."
    with tarfile.open(path, "w:gz") as files:
        for name, data in {vendor.WASM: b"\0asm" * 100, vendor.MODULE: MODULE}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            files.addfile(info, io.BytesIO(data))
    return path


def test_a_module_becomes_a_script():
    script = vendor.classic_script(MODULE.decode())
    assert "self.ort={Tensor:a,env:b};" in script
    assert "export" not in script and "import.meta" not in script


def test_the_runtime_is_written_with_its_record(tmp_path):
    folder = tmp_path / "vendor"
    vendor.unpack(make_archive(tmp_path / "package.tgz"), folder)
    assert lzma.decompress((folder / "runtime.wasm.xz").read_bytes()) == b"\0asm" * 100
    assert b"self.ort=" in lzma.decompress((folder / "runtime.js.xz").read_bytes())
    assert json.loads((folder / vendor.RECORD).read_text())["license"] == "MIT"
    assert vendor.is_present(folder)
    assert not vendor.is_present(tmp_path)


def test_another_archive_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(vendor, "is_present", lambda: False)
    monkeypatch.setattr(vendor, "download", lambda folder: make_archive(tmp_path / "package.tgz"))
    monkeypatch.setattr(vendor, "unpack", lambda archive: pytest.fail("unpacked"))
    vendor.main()
    assert "archive must be onnxruntime-web" in capsys.readouterr().err


def test_one_line_says_why_there_is_no_runtime(monkeypatch, capsys):
    monkeypatch.setattr(vendor, "is_present", lambda: False)
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    vendor.main()
    message = capsys.readouterr().err
    assert message == ("Pages will have no button that runs a network: npm is not installed.\n")
