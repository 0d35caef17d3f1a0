/* A Raspberry Pi Pico in rp2040js, with its UART0 on a TCP socket of 127.0.0.1: what plays the board on a computer.
 *
 * Usage: node rp2040.cjs IMAGE.bin [MACHINE [HZ]]. Speaks as docs/porting.md asks of every emulator of a board: "port N" on its
 * output when it listens; on its input the lines run, reset and quit, and the end of the input is as good as quit.
 *
 * The chip's ROM is not there. What it does at a start is done here: the first 256 bytes of the flash go to the RAM, and run if
 * their CRC is right (RP2040 Datasheet, 2.8.1). Bytes come in as fast as the firmware takes them, and none is lost.
 */
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const { RP2040, ConsoleLogger, LogLevel } = require('rp2040js');

const BOOT2_BYTES = 256;
const BOOT2_AT = 0x41f00; /* from the RAM's start */
const RAM_START = 0x20000000;
const CORE_HZ = Number(process.argv[4] || 125e6);
const SLICE = 20000; /* instructions between two looks at socket and input */
const FIFO_BYTES = 16;

function crc32Mpeg2(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}

function fail(message) {
  process.stderr.write(`rp2040js: ${message}\n`);
  process.exit(1);
}

const image = fs.readFileSync(process.argv[2]);
const incoming = [];
let outgoing = [];
let client = null;
let isRunning = false;
let chip = null;

/* A chip whose RAM holds what the last one's held: a reset does not clear it. */
function powerOn() {
  const ram = chip && chip.sram;
  chip = new RP2040();
  chip.logger = new ConsoleLogger(LogLevel.Error, false);
  chip.flash.set(image);
  if (ram) {
    chip.sram.set(ram);
  }
  const boot2 = chip.flash.subarray(0, BOOT2_BYTES);
  if (crc32Mpeg2(boot2.subarray(0, -4)) !== new DataView(boot2.buffer, 0, BOOT2_BYTES).getUint32(BOOT2_BYTES - 4, true)) {
    fail('the CRC of the image\'s second boot stage is wrong: the ROM would not run it');
  }
  chip.sram.set(boot2, BOOT2_AT);
  chip.core.LR = 0;
  chip.core.PC = RAM_START + BOOT2_AT;
  chip.uart[0].onByte = (byte) => outgoing.push(byte);
}

function feed() {
  const fifo = chip.uart[0].rxFIFO;
  while (incoming.length > 0 && chip.uart[0].enabled && fifo.itemCount < FIFO_BYTES) {
    chip.uart[0].feedByte(incoming.shift());
  }
}

function slice() {
  if (!isRunning) {
    return;
  }
  const nanos = 1e9 / CORE_HZ;
  for (let i = 0; i < SLICE; i++) {
    if (i % 64 === 0) {
      feed();
    }
    if (chip.core.waiting) {
      chip.clock.tick(Math.max(chip.clock.nanosToNextAlarm, nanos));
    } else {
      chip.clock.tick(chip.core.executeInstruction() * nanos);
    }
  }
  if (outgoing.length > 0) {
    if (client) {
      client.write(Buffer.from(outgoing));
    }
    outgoing = [];
  }
  setImmediate(slice);
}

function obey(line) {
  if (line === 'run' && !isRunning) {
    isRunning = true;
    slice();
  } else if (line === 'reset') {
    incoming.length = 0;
    powerOn();
  } else if (line === 'quit') {
    process.exit(0);
  }
}

powerOn();
let text = '';
process.stdin.on('data', (data) => {
  const lines = (text + data).split('\n');
  text = lines.pop();
  lines.forEach(obey);
});
process.stdin.on('end', () => process.exit(0));
const server = net.createServer((socket) => {
  client = socket;
  socket.setNoDelay(true);
  socket.on('data', (data) => incoming.push(...data));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (client === socket) {
      client = null;
      incoming.length = 0;
    }
  });
});
server.on('error', (error) => fail(error.message));
server.listen(0, '127.0.0.1', () => process.stdout.write(`port ${server.address().port}\n`));
